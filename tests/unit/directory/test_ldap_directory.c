/* SPDX-License-Identifier: Apache-2.0 */
/* What the directory does without a domain controller: refused, silent and talkative peers on loopback. */
#include "ldap_directory.h"

#include "rows.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE apr_time_from_msec(1000)
#define SLACK apr_time_from_msec(5000) /* for a busy machine; far below any hang */

/* A peer that the kernel connects to; with an answer, a thread accepts once, reads, answers and stays silent. */
struct peer {
    int listener;
    char url[64];
    struct eca_slice answer;
    pthread_t thread;
};

static void open_peer(struct peer *peer, const char *scheme)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;

    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(peer->url, sizeof peer->url, "%s://127.0.0.1:%u", scheme, (unsigned)ntohs(address.sin_port));
}

static void *answer_once(void *argument)
{
    struct peer *peer = argument;
    const int fd = accept(peer->listener, NULL, NULL);
    char bytes[4096];

    if (read(fd, bytes, sizeof bytes) > 0 && write(fd, peer->answer.bytes, peer->answer.length) > 0) {
        while (read(fd, bytes, sizeof bytes) > 0)
            continue;
    }
    close(fd);
    return NULL;
}

static bool was_connected_to(const struct peer *peer)
{
    struct pollfd wanted = { .fd = peer->listener, .events = POLLIN };

    return poll(&wanted, 1, 0) == 1;
}

static bool no_credentials(void *context, bool *unavailable, void **hold, struct eca_error *err)
{
    *unavailable = *(bool *)context;
    *hold = NULL;
    return eca_error_set(err, "no credentials now");
}

static void release_nothing(void *context, void *hold)
{
    (void)context;
    (void)hold;
}

static struct eca_directory *open_directory(const char *first, const char *second, enum eca_ldap_bind bind,
                                            bool *credentials_unavailable)
{
    const struct eca_ldap_settings settings = {
        .urls = { first, second },
        .url_count = second == NULL ? 1 : 2,
        .bind = bind,
        .bind_name = "CN=reader",
        .bind_password = "secret",
        .connections = 2,
        .use_credentials = no_credentials,
        .release_credentials = release_nothing,
        .credentials_context = credentials_unavailable,
    };
    struct eca_error err = { .text = "" };
    struct eca_directory *directory = eca_ldap_directory_open(&settings, &err);

    assert_non_null(directory);
    return directory;
}

static enum eca_directory_answer find_alice(struct eca_directory *directory, struct eca_error *err)
{
    const struct eca_login_name alice = { .user = SLICE("alice") };
    struct eca_account account = { .dn = "untouched" };
    bool found = true;
    const enum eca_directory_answer answer =
        directory->operations->find_by_login(directory, &alice, apr_time_now() + PATIENCE, &account, &found, err);

    assert_string_equal(account.dn, "untouched");
    assert_true(found);
    assert_null(strstr(err->text, "secret"));
    return answer;
}

static void test_open_unusable_ca_file_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *why, *path, *sentence;
    } rows[] = {
        { "no such file", "/nonexistent/ca.pem", "EASDirectoryCAFile /nonexistent/ca.pem cannot be read" },
        { "no certificate in it", "/dev/null", "EASDirectoryCAFile /dev/null holds no PEM certificate" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_ldap_settings settings = {
            .urls = { "ldaps://dc1" }, .url_count = 1, .ca_file = rows[i].path, .connections = 1,
        };
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_null(eca_ldap_directory_open(&settings, &err));
        assert_non_null(strstr(err.text, rows[i].sentence));
    }
}

static void test_find_nobody_listens_is_unavailable_at_once(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_directory *directory;
    struct peer peer;
    (void)state;
    open_peer(&peer, "ldap");
    close(peer.listener);
    directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_SIMPLE, NULL);

    assert_int_equal(find_alice(directory, &err), ECA_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(err.text, "no connection to directory server 127.0.0.1"));
    directory->operations->close(directory);
}

static void test_find_silent_servers_end_at_the_deadline_and_each_is_asked(void **state)
{
    static const struct {
        const char *why, *scheme;
    } rows[] = {
        { "StartTLS is not answered", "ldap" },
        { "the TLS handshake is not answered", "ldaps" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const apr_time_t begin = apr_time_now();
        struct eca_error err = { .text = "" };
        struct eca_directory *directory;
        struct peer first, second;

        SAY_WHY(&rows[i]);
        open_peer(&first, rows[i].scheme);
        open_peer(&second, rows[i].scheme);
        directory = open_directory(first.url, second.url, ECA_LDAP_BIND_SIMPLE, NULL);

        assert_int_equal(find_alice(directory, &err), ECA_DIRECTORY_UNAVAILABLE);
        assert_true(apr_time_now() - begin >= PATIENCE - apr_time_from_msec(5));
        assert_true(apr_time_now() - begin < PATIENCE + SLACK);
        assert_true(was_connected_to(&first));
        assert_true(was_connected_to(&second));
        assert_non_null(strstr(err.text, first.url));
        directory->operations->close(directory);
        close(first.listener);
        close(second.listener);
    }
}

static void test_find_half_an_answer_ends_at_the_deadline(void **state)
{
    static const struct {
        const char *why, *scheme;
        struct eca_slice answer;
        enum eca_directory_answer expected;
    } rows[] = {
        { "half a TLS record: libldap 2.5 would read on for ever", "ldaps", SLICE("\x16\x03\x03\x00\x7a\x02\x00"),
          ECA_DIRECTORY_UNAVAILABLE },
        { "half an LDAP message", "ldap", SLICE("\x30\x0c\x02\x01"), ECA_DIRECTORY_UNAVAILABLE },
        { "a message of two gigabytes", "ldap", SLICE("\x30\x84\x7f\xff\xff\xff\x02\x01\x01"),
          ECA_DIRECTORY_UNAVAILABLE },
        { "another protocol", "ldap", SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"), ECA_DIRECTORY_UNAVAILABLE },
        { "another protocol instead of TLS", "ldaps", SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"),
          ECA_DIRECTORY_UNAVAILABLE },
        { "StartTLS granted, then silence", "ldap", SLICE("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
          ECA_DIRECTORY_UNAVAILABLE },
        { "StartTLS refused: no password goes out without it", "ldap",
          SLICE("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"), ECA_DIRECTORY_FAILED },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const apr_time_t begin = apr_time_now();
        struct eca_error err = { .text = "" };
        struct eca_directory *directory;
        struct peer peer = { .answer = rows[i].answer };

        SAY_WHY(&rows[i]);
        open_peer(&peer, rows[i].scheme);
        assert_int_equal(pthread_create(&peer.thread, NULL, answer_once, &peer), 0);
        directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_SIMPLE, NULL);

        assert_int_equal(find_alice(directory, &err), rows[i].expected);
        assert_true(apr_time_now() - begin < PATIENCE + SLACK);
        assert_non_null(strstr(err.text, peer.url));
        directory->operations->close(directory);
        pthread_join(peer.thread, NULL);
        close(peer.listener);
    }
}

static void test_find_no_credentials_is_an_outage_or_a_failure_as_they_say(void **state)
{
    static const struct {
        const char *why;
        bool unavailable;
        enum eca_directory_answer answer;
    } rows[] = {
        { "no KDC", true, ECA_DIRECTORY_UNAVAILABLE },
        { "a keytab that is not this account's", false, ECA_DIRECTORY_FAILED },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        bool unavailable = rows[i].unavailable;
        struct eca_error err = { .text = "" };
        struct eca_directory *directory;
        struct peer peer;

        SAY_WHY(&rows[i]);
        open_peer(&peer, "ldap");
        directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_GSSAPI, &unavailable);
        assert_int_equal(find_alice(directory, &err), rows[i].answer);
        assert_string_equal(err.text, "no credentials now");
        directory->operations->close(directory);
        close(peer.listener);
    }
}

static void test_find_by_keys_without_keys_asks_nobody(void **state)
{
    static struct eca_candidates candidates = { .count = 3, .truncated = true };
    static const struct eca_mapping_keys keys = { .count = 0 };
    struct eca_error err = { .text = "" };
    struct eca_directory *directory;
    struct peer peer;
    (void)state;
    open_peer(&peer, "ldap");
    directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_SIMPLE, NULL);

    assert_int_equal(
        directory->operations->find_by_keys(directory, &keys, apr_time_now() + PATIENCE, &candidates, &err),
        ECA_DIRECTORY_ANSWERED);
    assert_int_equal(candidates.count, 0);
    assert_false(candidates.truncated);
    assert_false(was_connected_to(&peer));
    directory->operations->close(directory);
    close(peer.listener);
}

static void test_verify_password_that_would_be_anonymous_is_rejected_without_asking(void **state)
{
    static const struct eca_account alice = { .dn = "CN=alice,DC=example,DC=test" };
    static const struct eca_account nameless = { .dn = "" };
    static const struct {
        const char *why;
        const struct eca_account *account;
        const char *password;
    } rows[] = {
        { "an empty password succeeds on many servers (RFC 4513 5.1.2)", &alice, "" },
        { "for nobody too", NULL, "" },
        { "an empty name succeeds with any password", &nameless, "secret" },
    };
    struct eca_directory *directory;
    struct peer peer;
    (void)state;
    open_peer(&peer, "ldaps");
    directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_SIMPLE, NULL);

    for (size_t i = 0; i < COUNT(rows); i++) {
        enum eca_password_answer answer = ECA_PASSWORD_ANSWER_ACCEPTED;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_int_equal(directory->operations->verify_password(directory, rows[i].account, rows[i].password,
                                                                apr_time_now() + PATIENCE, &answer, &err),
                         ECA_DIRECTORY_ANSWERED);
        assert_int_equal(answer, ECA_PASSWORD_ANSWER_REJECTED);
        assert_string_not_equal(err.text, "");
        assert_false(was_connected_to(&peer));
    }
    directory->operations->close(directory);
    close(peer.listener);
}

static void test_verify_password_outage_is_the_same_for_nobody(void **state)
{
    static const struct eca_account alice = { .dn = "CN=alice,DC=example,DC=test" };
    const struct eca_account *const accounts[] = { &alice, NULL };
    (void)state;

    for (size_t i = 0; i < COUNT(accounts); i++) {
        enum eca_password_answer answer = ECA_PASSWORD_ANSWER_ACCEPTED;
        struct eca_error err = { .text = "" };
        struct eca_directory *directory;
        struct peer peer;

        open_peer(&peer, "ldap");
        directory = open_directory(peer.url, NULL, ECA_LDAP_BIND_GSSAPI, NULL);
        assert_int_equal(directory->operations->verify_password(directory, accounts[i], "hunter2",
                                                                apr_time_now() + PATIENCE, &answer, &err),
                         ECA_DIRECTORY_UNAVAILABLE);
        assert_int_equal(answer, ECA_PASSWORD_ANSWER_ACCEPTED); /* untouched */
        assert_true(was_connected_to(&peer));
        assert_null(strstr(err.text, "hunter2"));
        directory->operations->close(directory);
        close(peer.listener);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_unusable_ca_file_is_refused_with_a_sentence),
        cmocka_unit_test(test_find_nobody_listens_is_unavailable_at_once),
        cmocka_unit_test(test_find_silent_servers_end_at_the_deadline_and_each_is_asked),
        cmocka_unit_test(test_find_half_an_answer_ends_at_the_deadline),
        cmocka_unit_test(test_find_no_credentials_is_an_outage_or_a_failure_as_they_say),
        cmocka_unit_test(test_find_by_keys_without_keys_asks_nobody),
        cmocka_unit_test(test_verify_password_that_would_be_anonymous_is_rejected_without_asking),
        cmocka_unit_test(test_verify_password_outage_is_the_same_for_nobody),
    };
    signal(SIGPIPE, SIG_IGN); /* helper threads have it blocked */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
