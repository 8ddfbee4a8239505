/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a directory, carried out by a text file. */
#include "file_directory.h"

#include "account_file_parse.h"
#include "ldap_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_INTERVAL apr_time_from_sec(1)

/* Accounts as they were read; freed when the last look-up that uses them ends. */
struct generation {
    struct eca_account_file *accounts;
    size_t holders; /* guarded by the directory's lock; the directory itself is one */
};

struct file_directory {
    struct eca_directory interface;
    struct eca_file_settings settings;
    pthread_mutex_t lock;
    struct generation *current;
    apr_time_t looked; /* by eca_ldap_clock() */
    bool looking;      /* one thread at a time reads the file */
    struct stat read;  /* the file that was read, well or not; this and `seen` belong to who looks */
    struct stat seen;  /* at the last look */
};

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err);
static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err);
static enum eca_directory_answer verify_password(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err);
static enum eca_directory_answer is_member(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err);
static void close_directory(struct eca_directory *interface);

static const struct eca_directory_operations operations = {
    .find_by_keys = find_by_keys,
    .find_by_login = find_by_login,
    .verify_password = verify_password,
    .is_member = is_member,
    .close = close_directory,
};

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mode == b->st_mode
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool check_file(const struct stat *info, const char *path, struct eca_error *err)
{
    if (!S_ISREG(info->st_mode))
        return eca_error_set(err, "%s is not a file", path);
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return eca_error_set(err, "%s can be written by its group or by others; chmod 644 it", path);
    if ((size_t)info->st_size > ECA_ACCOUNT_FILE_BYTES_MAX)
        return eca_error_set(err, "%s has more than %zu bytes", path, ECA_ACCOUNT_FILE_BYTES_MAX);
    return true;
}

/* Exactly `size` bytes, and nothing after them. */
static bool read_bytes(int fd, uint8_t *bytes, size_t size)
{
    size_t done = 0;
    uint8_t more;

    while (done < size) {
        const ssize_t got = read(fd, bytes + done, size - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return read(fd, &more, 1) == 0;
}

static struct eca_account_file *read_accounts(const struct eca_file_settings *settings, int fd, const struct stat *info,
                                              struct eca_error *err)
{
    const size_t size = (size_t)info->st_size;
    uint8_t *bytes = malloc(size + 1);
    struct eca_account_file *accounts = NULL;
    struct eca_error line = { .text = "" };
    struct stat after;

    if (bytes == NULL)
        eca_error_set(&line, "out of memory");
    else if (!read_bytes(fd, bytes, size) || fstat(fd, &after) != 0 || !is_same_file(info, &after))
        eca_error_set(&line, "changed while it was read");
    else
        accounts = eca_account_file_parse((struct eca_slice){ bytes, size }, settings->extra_attribute, &line);
    free(bytes);
    if (accounts == NULL)
        eca_error_set(err, "%s, %s", settings->path, line.text);
    return accounts;
}

/* `info` says which file it was, also when it is refused. O_NONBLOCK: a pipe in its place must not hold anybody. */
static struct eca_account_file *read_file(const struct eca_file_settings *settings, struct stat *info,
                                          struct eca_error *err)
{
    const int fd = open(settings->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct eca_account_file *accounts = NULL;

    memset(info, 0, sizeof *info);
    if (fd < 0) {
        char reason[128] = "";

        eca_error_set(err, "%s cannot be read: %s", settings->path, strerror_r(errno, reason, sizeof reason));
        return NULL;
    }
    if (fstat(fd, info) != 0)
        eca_error_set(err, "%s cannot be read", settings->path);
    else if (check_file(info, settings->path, err))
        accounts = read_accounts(settings, fd, info, err);
    close(fd);
    return accounts;
}

static struct generation *new_generation(struct eca_account_file *accounts)
{
    struct generation *generation = malloc(sizeof *generation);

    if (generation != NULL)
        *generation = (struct generation){ .accounts = accounts, .holders = 1 };
    else
        eca_account_file_close(accounts);
    return generation;
}

static void free_generation(struct generation *generation)
{
    eca_account_file_close(generation->accounts);
    free(generation);
}

struct eca_directory *eca_file_directory_open(const struct eca_file_settings *settings, struct eca_error *err)
{
    struct file_directory *directory = calloc(1, sizeof *directory);
    struct eca_account_file *accounts = NULL;

    if (directory == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    directory->interface.operations = &operations;
    directory->interface.is_local = true;
    directory->settings = *settings;
    accounts = read_file(settings, &directory->read, err);
    if (accounts == NULL)
        goto no_accounts;
    directory->seen = directory->read;
    directory->looked = eca_ldap_clock();
    directory->current = new_generation(accounts);
    if (directory->current == NULL)
        goto no_memory;
    if (pthread_mutex_init(&directory->lock, NULL) == 0)
        return &directory->interface;
    free_generation(directory->current);

no_memory:
    eca_error_set(err, "out of memory");
no_accounts:
    free(directory);
    return NULL;
}

static struct file_directory *file_directory(struct eca_directory *directory)
{
    return (struct file_directory *)directory;
}

static void close_directory(struct eca_directory *interface)
{
    struct file_directory *directory = file_directory(interface);

    free_generation(directory->current);
    pthread_mutex_destroy(&directory->lock);
    free(directory);
}

static void tell(const struct file_directory *directory, size_t count, const char *problem)
{
    if (directory->settings.tell != NULL)
        directory->settings.tell(directory->settings.tell_context, count, problem);
}

static void release(struct file_directory *directory, struct generation *generation)
{
    bool last;

    pthread_mutex_lock(&directory->lock);
    last = --generation->holders == 0;
    pthread_mutex_unlock(&directory->lock);
    if (last)
        free_generation(generation);
}

static void replace(struct file_directory *directory, struct generation *next)
{
    struct generation *before;

    pthread_mutex_lock(&directory->lock);
    before = directory->current;
    directory->current = next;
    pthread_mutex_unlock(&directory->lock);
    release(directory, before);
}

/* Only a file that rests is read: an editor may be writing it line by line. */
static void look(struct file_directory *directory)
{
    struct eca_error err = { .text = "" };
    struct eca_account_file *accounts = NULL;
    struct generation *next = NULL;
    struct stat now;
    bool rests;

    if (stat(directory->settings.path, &now) != 0)
        memset(&now, 0, sizeof now);
    rests = is_same_file(&now, &directory->seen);
    directory->seen = now;
    if (!rests || is_same_file(&now, &directory->read))
        return;
    accounts = read_file(&directory->settings, &directory->read, &err);
    if (accounts != NULL && !is_same_file(&now, &directory->read)) { /* changed again: at the next look */
        eca_account_file_close(accounts);
        return;
    }
    if (accounts != NULL)
        next = new_generation(accounts);
    if (next == NULL) {
        directory->read = now; /* it is not tried again before it changes */
        tell(directory, 0, err.text[0] != '\0' ? err.text : "out of memory");
        return;
    }
    tell(directory, eca_account_file_count(accounts), NULL);
    replace(directory, next);
}

static bool may_look(struct file_directory *directory)
{
    const apr_time_t now = eca_ldap_clock();
    bool due;

    pthread_mutex_lock(&directory->lock);
    due = !directory->looking && now - directory->looked >= LOOK_INTERVAL;
    if (due) {
        directory->looking = true;
        directory->looked = now;
    }
    pthread_mutex_unlock(&directory->lock);
    return due;
}

static struct generation *acquire(struct file_directory *directory)
{
    struct generation *generation;

    if (may_look(directory)) {
        look(directory);
        pthread_mutex_lock(&directory->lock);
        directory->looking = false;
        pthread_mutex_unlock(&directory->lock);
    }
    pthread_mutex_lock(&directory->lock);
    generation = directory->current;
    generation->holders++;
    pthread_mutex_unlock(&directory->lock);
    return generation;
}

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err)
{
    struct generation *generation = acquire(file_directory(directory));

    (void)deadline;
    (void)err;
    eca_account_file_find_by_keys(generation->accounts, keys, out);
    release(file_directory(directory), generation);
    return ECA_DIRECTORY_ANSWERED;
}

static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err)
{
    struct generation *generation = acquire(file_directory(directory));

    (void)deadline;
    (void)err;
    *found = eca_account_file_find_by_login(generation->accounts, login, out);
    release(file_directory(directory), generation);
    return ECA_DIRECTORY_ANSWERED;
}

static enum eca_directory_answer verify_password(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err)
{
    (void)directory;
    (void)account;
    (void)password;
    (void)deadline;
    (void)out;
    eca_error_set(err, "EASDirectory file: holds no passwords; write EASBasicProvider file and AuthUserFile");
    return ECA_DIRECTORY_FAILED;
}

static enum eca_directory_answer is_member(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err)
{
    (void)directory;
    (void)account;
    (void)groups;
    (void)group_count;
    (void)deadline;
    *member = false;
    eca_error_set(err, "EASDirectory file: knows no groups; write Require group and AuthGroupFile");
    return ECA_DIRECTORY_ANSWERED;
}
