/* SPDX-License-Identifier: Apache-2.0 */
/* The eas-certauth command: what the module would make of a certificate, by hand. */
#include "map.h"

#include <apr_general.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: eas-certauth map [--json | --powershell [--identity NAME]]\n"
    "                        [--directory-from CONF [--server NAME] [--section NAME]] FILE...\n"
    "\n"
    "Says what certificates (PEM or DER, - for standard input) tell about their holder, and the\n"
    "values by which a directory can know them; with CONF, what apache2ctl -t -D DUMP_EAS\n"
    "printed, also which accounts they find and what a request would come to.\n"
    "See eas-certauth(1).\n";

static int complain(const char *about)
{
    (void)fprintf(stderr, "eas-certauth: %s\n%s", about, usage);
    return ECA_EXIT_USAGE;
}

/* Where the look-up is configured. */
struct site {
    const char *file, *server, *section;
};

static int map_files(struct eca_map_request *request, const struct site *site, char **files, int count)
{
    struct eca_effective effective = { .document = NULL };
    struct eca_error err = { .text = "" };
    enum eca_exit result = ECA_EXIT_USAGE;

    if (site->file != NULL && eca_effective_open(&effective, site->file, site->server, site->section, &err))
        request->look_up = eca_look_up_open(&effective, &err);
    if (site->file == NULL || request->look_up != NULL)
        result = eca_map_files(request, (const char *const *)files, (size_t)count);
    else
        (void)fprintf(stderr, "eas-certauth: %s\n", err.text);
    if (request->look_up != NULL)
        eca_look_up_close(request->look_up);
    eca_effective_close(&effective);
    return (int)result;
}

static int run_map(int count, char **arguments)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },           { "powershell", no_argument, NULL, 'p' },
        { "identity", required_argument, NULL, 'i' }, { "directory-from", required_argument, NULL, 'd' },
        { "server", required_argument, NULL, 'v' },   { "section", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
    };
    struct eca_map_request request = { .form = ECA_MAP_TEXT };
    struct site site = { NULL, NULL, NULL };
    int option;

    opterr = 0; /* complain() says it */
    while ((option = getopt_long(count, arguments, "h", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            request.form = ECA_MAP_JSON;
            break;
        case 'p':
            request.form = ECA_MAP_POWERSHELL;
            break;
        case 'i':
            request.identity = optarg;
            break;
        case 'd':
            site.file = optarg;
            break;
        case 'v':
            site.server = optarg;
            break;
        case 's':
            site.section = optarg;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return ECA_EXIT_READ;
        default:
            return complain("an option is unknown or lacks its value");
        }
    }
    if (optind == count)
        return complain("no file named");
    if (request.identity != NULL && request.form != ECA_MAP_POWERSHELL)
        return complain("--identity goes with --powershell");
    if (site.file == NULL && (site.server != NULL || site.section != NULL))
        return complain("--server and --section go with --directory-from");
    return map_files(&request, &site, arguments + optind, count - optind);
}

int main(int count, char **arguments)
{
    if (apr_initialize() != APR_SUCCESS)
        return ECA_EXIT_USAGE;
    if (count >= 2 && strcmp(arguments[1], "map") == 0)
        return run_map(count - 1, arguments + 1);
    if (count >= 2 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return ECA_EXIT_READ;
    }
    return complain(count < 2 ? "no command named" : "that command is unknown");
}
