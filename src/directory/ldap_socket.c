/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, which libldap leaves to us so that it never reconnects by itself. */
#include "ldap_socket.h"

#include "ldap_clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEPALIVE_IDLE 60 /* seconds; firewalls forget after minutes */
#define KEEPALIVE_INTERVAL 10
#define KEEPALIVE_PROBES 3

/*
 * libldap 2.5 makes the socket block again in the middle of a TLS handshake; half a record would
 * then hold the thread for ever. With this it looks at its clock again.
 */
#define BLOCKED_MAX ((struct timeval){ .tv_sec = 0, .tv_usec = 100000 })

static void set_options(int fd)
{
    const struct {
        int level, name, value;
    } rows[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
    };
    const struct timeval blocked = BLOCKED_MAX;

    /* Every wait has its own deadline: a kernel without one of these only notices a dead peer later. */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &blocked, sizeof blocked);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &blocked, sizeof blocked);
}

/* 0, or the errno of the connection. */
static int await_connected(int fd, apr_time_t until)
{
    struct pollfd wanted = { .fd = fd, .events = POLLOUT };
    socklen_t length = sizeof(int);
    int error = 0;
    int ready;

    do {
        ready = poll(&wanted, 1, (int)(eca_ldap_clock_left(until) / 1000));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return ETIMEDOUT;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    return error;
}

/* A descriptor, or -1 with errno. */
static int connect_one(const struct addrinfo *address, apr_time_t until)
{
    const int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          address->ai_protocol);
    int error = 0;

    if (fd < 0)
        return -1;
    set_options(fd);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        error = errno == EINPROGRESS || errno == EINTR ? await_connected(fd, until) : errno;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

static int connect_any(const struct addrinfo *addresses, apr_time_t until)
{
    apr_interval_time_t left_addresses = 0;
    int fd = -1;

    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next)
        left_addresses++;
    for (const struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next)
        fd = connect_one(at, eca_ldap_clock() + eca_ldap_clock_left(until) / left_addresses--);
    return fd;
}

enum eca_ldap_fault eca_ldap_socket_open(int *out, const struct eca_ldap_url *url, apr_time_t until,
                                         struct eca_error *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *addresses = NULL;
    const int failed = getaddrinfo(url->host, url->port, &hints, &addresses);
    char reason[128];
    int error;

    if (failed != 0) {
        eca_error_set(err, "the directory server's name %s cannot be resolved: %s", url->host, gai_strerror(failed));
        return ECA_LDAP_DOWN;
    }
    *out = connect_any(addresses, until);
    error = errno;
    freeaddrinfo(addresses);
    if (*out >= 0)
        return ECA_LDAP_OK;

    eca_error_set(err, "no connection to directory server %s port %s: %s", url->host, url->port,
                  strerror_r(error, reason, sizeof reason));
    return error == ETIMEDOUT ? ECA_LDAP_SILENT : ECA_LDAP_DOWN;
}

bool eca_ldap_socket_is_quiet(int fd)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN };

    return poll(&wanted, 1, 0) == 0;
}
