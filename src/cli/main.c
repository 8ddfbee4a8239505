/* SPDX-License-Identifier: Apache-2.0 */
/* The eas-certauth command: what the module would make of a certificate, by hand. */
#include "map.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: eas-certauth map [--json | --powershell [--identity NAME]] FILE...\n"
    "\n"
    "Says what certificates (PEM or DER, - for standard input) tell about their holder, and the\n"
    "values by which a directory can know them. See eas-certauth(1).\n";

static int complain(const char *about)
{
    (void)fprintf(stderr, "eas-certauth: %s\n%s", about, usage);
    return ECA_EXIT_USAGE;
}

static int run_map(int count, char **arguments)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { "powershell", no_argument, NULL, 'p' },
        { "identity", required_argument, NULL, 'i' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct eca_map_request request = { .form = ECA_MAP_TEXT };
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
    return eca_map_files(&request, (const char *const *)arguments + optind, (size_t)(count - optind));
}

int main(int count, char **arguments)
{
    if (count >= 2 && strcmp(arguments[1], "map") == 0)
        return run_map(count - 1, arguments + 1);
    if (count >= 2 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return ECA_EXIT_READ;
    }
    return complain(count < 2 ? "no command named" : "that command is unknown");
}
