/* SPDX-License-Identifier: Apache-2.0 */
/* Sources are fetched one by one and swapped in whole; requests look into a snapshot that nobody changes. */
#include "crl_store.h"

#include "crl_fetch.h"
#include "crl_set.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 256 /* of a directory */
#define RETRY apr_time_from_sec(30)
#define PATH_BYTES 1280

struct source {
    char name[ECA_CRL_URL_MAX]; /* a path or a URL */
    apr_time_t due;
    bool busy;    /* somebody fetches it */
    bool failing; /* the last fetch gave nothing, which was told */
    bool read;    /* it gave something once */
    struct eca_crl_set lists;
};

struct eca_crl_store {
    struct eca_crl_settings settings;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t fetched;
    uint64_t fetches; /* that have ended */
    size_t count, issuer_count;
    struct source sources[ECA_CRL_SOURCES_MAX];
    X509 *issuers[ECA_CRL_SOURCES_MAX]; /* of verified paths, that are no anchors */
    struct eca_crl_view *view;
};

static bool is_url(const char *name)
{
    return strncmp(name, "http://", 7) == 0 || strncmp(name, "ldap://", 7) == 0;
}

/* ---- fetching ---------------------------------------------------------------------------- */

/* What one fetch works with, outside the lock. */
struct fetch {
    struct eca_crl_store *store;
    const char *name;
    STACK_OF(X509) * issuers;
    size_t issuers_known; /* of those that are no anchors, when it began */
    bool first;           /* nothing has been read from it: what was kept is better than nothing */
    struct eca_crl_set found;
    apr_time_t due;
    struct eca_error err;
};

static bool use_bytes(struct fetch *fetch, const uint8_t *bytes, size_t length)
{
    struct eca_crl *lists[ECA_CRLS_IN_FILE_MAX];
    const size_t count = eca_crl_read(lists, ECA_CRLS_IN_FILE_MAX, bytes, length, fetch->issuers,
                                      apr_time_sec(apr_time_now()), &fetch->err);

    for (size_t i = 0; i < count; i++)
        eca_crl_set_add(&fetch->found, lists[i]);
    return count > 0;
}

static bool read_file(struct fetch *fetch, const char *path)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    bool good = eca_crl_fetch_file(path, &bytes, &length, &fetch->err) && use_bytes(fetch, bytes, length);

    free(bytes);
    return good;
}

/* Files that hold no list of an accepted issuer are passed over where others do. */
static bool read_directory(struct fetch *fetch, DIR *directory)
{
    char path[PATH_BYTES];
    struct dirent *entry = NULL;
    struct stat info;
    size_t files = 0;

    while (files < FILES_MAX && (entry = readdir(directory)) != NULL) {
        if (snprintf(path, sizeof path, "%s/%s", fetch->name, entry->d_name) >= (int)sizeof path
            || stat(path, &info) != 0 || !S_ISREG(info.st_mode))
            continue;
        files++;
        (void)read_file(fetch, path);
    }
    return fetch->found.count > 0 || eca_error_set(&fetch->err, "no file in it holds a CRL");
}

static bool read_path(struct fetch *fetch)
{
    DIR *directory = opendir(fetch->name);
    bool good = false;

    if (directory == NULL)
        return read_file(fetch, fetch->name);
    good = read_directory(fetch, directory);
    (void)closedir(directory);
    return good;
}

/* What another process, or the one before a restart, has fetched within the refresh time; or, at first, ever. */
static bool read_kept(struct fetch *fetch)
{
    const struct eca_crl_settings *settings = &fetch->store->settings;
    uint8_t *bytes = NULL;
    size_t length = 0;
    apr_time_t when = 0;
    bool good = false;

    if (settings->keep_in == NULL || !eca_crl_fetch_kept(settings->keep_in, fetch->name, &bytes, &length, &when))
        return false;
    if (fetch->first || when + settings->refresh > apr_time_now())
        good = use_bytes(fetch, bytes, length);
    free(bytes);
    fetch->due = when + settings->refresh;
    return good;
}

static bool read_url(struct fetch *fetch)
{
    const struct eca_crl_settings *settings = &fetch->store->settings;
    struct eca_error unkept = { .text = "" };
    uint8_t *bytes = NULL;
    size_t length = 0;
    bool good = false;

    if (strncmp(fetch->name, "http://", 7) == 0)
        good = eca_crl_fetch_http(fetch->name, ECA_CRL_FETCH_TIME, &bytes, &length, &fetch->err);
    else if (settings->read_ldap != NULL)
        good = settings->read_ldap(settings->context, fetch->name, &bytes, &length, &fetch->err);
    else
        eca_error_set(&fetch->err, "there is no directory that could be asked");
    good = good && use_bytes(fetch, bytes, length);
    if (good && settings->keep_in != NULL
        && !eca_crl_fetch_keep(settings->keep_in, fetch->name, bytes, length, &unkept))
        settings->tell(settings->context, ECA_CRL_NEWS_FAILED, unkept.text);
    free(bytes);
    return good;
}

static bool run_fetch(struct fetch *fetch)
{
    fetch->due = apr_time_now() + fetch->store->settings.refresh;
    if (!is_url(fetch->name))
        return read_path(fetch);
    if (read_kept(fetch))
        return true;
    fetch->err.text[0] = '\0'; /* what was kept may have grown old: the network is asked now */
    fetch->due = apr_time_now() + fetch->store->settings.refresh;
    return read_url(fetch);
}

/* ---- swapping in ------------------------------------------------------------------------- */

/* With the lock. */
static void look_anew(struct eca_crl_store *store)
{
    struct eca_crl_view *view = eca_crl_view_open();

    for (size_t i = 0; i < store->count && view != NULL; i++)
        eca_crl_view_add(view, &store->sources[i].lists);
    if (view == NULL)
        return;
    eca_crl_view_pair(view);
    eca_crl_view_release(store->view);
    store->view = view;
}

static void tell_failure(struct eca_crl_store *store, const struct fetch *fetch)
{
    struct eca_error sentence = { .text = "" };

    eca_error_set(&sentence, "%s: %s", fetch->name, fetch->err.text);
    store->settings.tell(store->settings.context, ECA_CRL_NEWS_FAILED, sentence.text);
}

/* Returns whether the failure is news. */
static bool finish(struct eca_crl_store *store, struct source *source, struct fetch *fetch, bool good)
{
    bool news = false;

    pthread_mutex_lock(&store->lock);
    source->busy = false;
    store->fetches++;
    if (good) {
        source->due = fetch->due;
        source->failing = false;
        source->read = true;
        eca_crl_set_replace(&source->lists, &fetch->found);
        look_anew(store);
    } else {
        source->due = apr_time_now() + (store->settings.refresh < RETRY ? store->settings.refresh : RETRY);
        news = !source->failing;
        source->failing = true;
        eca_crl_set_clear(&fetch->found);
    }
    if (store->issuer_count != fetch->issuers_known) /* a list of the new one may be in it, too */
        source->due = 0;
    pthread_cond_broadcast(&store->fetched);
    pthread_mutex_unlock(&store->lock);
    return news;
}

static void add_source(struct eca_crl_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(store->sources[i].name, name) == 0)
            return;
    }
    if (store->count == ECA_CRL_SOURCES_MAX || strlen(name) >= sizeof store->sources[0].name)
        return;
    memcpy(store->sources[store->count++].name, name, strlen(name) + 1);
}

/* Where the lists say that their deltas are. */
static void learn_deltas(struct eca_crl_store *store)
{
    struct eca_crl_points *points = calloc(1, sizeof *points);

    if (points == NULL)
        return;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count && store->settings.source_count == 0; i++) {
        for (size_t j = 0; j < store->sources[i].lists.count; j++)
            eca_crl_freshest(store->sources[i].lists.lists[j], points);
    }
    for (size_t i = 0; i < points->count; i++)
        add_source(store, points->urls[i]);
    pthread_mutex_unlock(&store->lock);
    free(points);
}

/* With the lock: a list of everybody whose signature counts; they live as long as the store. */
static STACK_OF(X509) * all_issuers(struct eca_crl_store *store)
{
    STACK_OF(X509) *anchors = eca_trust_anchors_list(store->settings.anchors);
    STACK_OF(X509) *all = sk_X509_dup(anchors);

    for (size_t i = 0; i < store->issuer_count; i++)
        (void)sk_X509_push(all, store->issuers[i]);
    return all;
}

static struct source *take_due(struct eca_crl_store *store)
{
    const apr_time_t now = apr_time_now();
    struct source *first = NULL;

    for (size_t i = 0; i < store->count; i++) {
        struct source *source = &store->sources[i];

        if (!source->busy && source->due <= now && (first == NULL || source->due < first->due))
            first = source;
    }
    return first;
}

bool eca_crl_store_fetch(struct eca_crl_store *store)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    struct source *source = NULL;

    if (fetch == NULL)
        return false;
    pthread_mutex_lock(&store->lock);
    source = take_due(store);
    if (source != NULL) {
        source->busy = true;
        fetch->store = store;
        fetch->name = source->name;
        fetch->first = !source->read;
        fetch->issuers = all_issuers(store);
        fetch->issuers_known = store->issuer_count;
    }
    pthread_mutex_unlock(&store->lock);
    if (source != NULL) {
        const bool good = fetch->issuers != NULL && run_fetch(fetch);

        if (finish(store, source, fetch, good))
            tell_failure(store, fetch);
        else if (good)
            learn_deltas(store);
        sk_X509_free(fetch->issuers);
    }
    free(fetch);
    return source != NULL;
}

size_t eca_crl_store_due(struct eca_crl_store *store)
{
    const apr_time_t now = apr_time_now();
    size_t due = 0;

    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count; i++)
        due += !store->sources[i].busy && store->sources[i].due <= now;
    pthread_mutex_unlock(&store->lock);
    return due;
}

/* With the lock. */
static bool is_under_way(const struct eca_crl_store *store)
{
    const apr_time_t now = apr_time_now();

    for (size_t i = 0; i < store->count; i++) {
        if (store->sources[i].busy || store->sources[i].due <= now)
            return true;
    }
    return false;
}

uint64_t eca_crl_store_fetches(struct eca_crl_store *store)
{
    uint64_t fetches;

    pthread_mutex_lock(&store->lock);
    fetches = store->fetches;
    pthread_mutex_unlock(&store->lock);
    return fetches;
}

bool eca_crl_store_await(struct eca_crl_store *store, uint64_t seen, apr_time_t deadline)
{
    const struct timespec moment = { .tv_sec = (time_t)apr_time_sec(deadline),
                                     .tv_nsec = (long)apr_time_usec(deadline) * 1000 };
    bool ended;

    pthread_mutex_lock(&store->lock);
    while (store->fetches == seen && is_under_way(store)
           && pthread_cond_timedwait(&store->fetched, &store->lock, &moment) == 0)
        continue;
    ended = store->fetches != seen;
    pthread_mutex_unlock(&store->lock);
    return ended;
}

/* ---- what is in use ---------------------------------------------------------------------- */

static bool knows_issuer(const struct eca_crl_store *store, X509 *issuer)
{
    for (size_t i = 0; i < store->issuer_count; i++) {
        if (X509_cmp(store->issuers[i], issuer) == 0)
            return true;
    }
    return eca_trust_anchors_hold(store->settings.anchors, issuer);
}

/* With the lock. What was read before may be of this issuer, too: all of it is read again. */
static void learn_issuer(struct eca_crl_store *store, X509 *issuer)
{
    if (store->issuer_count == ECA_CRL_SOURCES_MAX || knows_issuer(store, issuer))
        return;
    X509_up_ref(issuer);
    store->issuers[store->issuer_count++] = issuer;
    for (size_t i = 0; i < store->count; i++)
        store->sources[i].due = 0;
}

static void learn(struct eca_crl_store *store, X509 *certificate, X509 *issuer)
{
    struct eca_crl_points *points = calloc(1, sizeof *points);

    if (points == NULL)
        return;
    if (store->settings.source_count == 0)
        eca_crl_points_of(certificate, points);
    pthread_mutex_lock(&store->lock);
    learn_issuer(store, issuer);
    for (size_t i = 0; i < points->count; i++)
        add_source(store, points->urls[i]);
    pthread_mutex_unlock(&store->lock);
    free(points);
}

static struct eca_crl_view *hold_view(struct eca_crl_store *store)
{
    struct eca_crl_view *view;

    pthread_mutex_lock(&store->lock);
    view = eca_crl_view_hold(store->view);
    pthread_mutex_unlock(&store->lock);
    return view;
}

static void tell_of(struct eca_crl_store *store, enum eca_crl_view_remark remark, const char *about)
{
    if (remark == ECA_CRL_VIEW_NOTHING)
        return;
    store->settings.tell(store->settings.context,
                         remark == ECA_CRL_VIEW_GRACE ? ECA_CRL_NEWS_GRACE : ECA_CRL_NEWS_ENDS_SOON, about);
}

enum eca_revocation eca_crl_store_check(struct eca_crl_store *store, X509 *certificate, X509 *issuer, int64_t now,
                                        struct eca_error *err)
{
    struct eca_crl_view *view = hold_view(store);
    struct eca_crl_view_answer answer = { .remark = ECA_CRL_VIEW_NOTHING };
    enum eca_revocation found = eca_crl_view_check(view, certificate, issuer, now, apr_time_sec(store->settings.grace),
                                                   &answer);

    eca_crl_view_release(view);
    if (found != ECA_REVOCATION_GOOD)
        eca_error_set(err, "%s", answer.sentence.text);
    tell_of(store, answer.remark, answer.about.text);
    if (found == ECA_REVOCATION_UNKNOWN)
        learn(store, certificate, issuer);
    return found;
}

struct eca_crl_store *eca_crl_store_open(const struct eca_crl_settings *settings)
{
    struct eca_crl_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return NULL;
    store->settings = *settings;
    store->view = eca_crl_view_open();
    if (store->view == NULL || pthread_mutex_init(&store->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&store->fetched, NULL) != 0)
        goto no_condition;
    for (size_t i = 0; i < settings->source_count; i++)
        add_source(store, settings->sources[i]);
    return store;

no_condition:
    pthread_mutex_destroy(&store->lock);
no_lock:
    eca_crl_view_release(store->view);
    free(store);
    return NULL;
}

void eca_crl_store_close(struct eca_crl_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        eca_crl_set_clear(&store->sources[i].lists);
    for (size_t i = 0; i < store->issuer_count; i++)
        X509_free(store->issuers[i]);
    eca_crl_view_release(store->view);
    pthread_cond_destroy(&store->fetched);
    pthread_mutex_destroy(&store->lock);
    free(store);
}
