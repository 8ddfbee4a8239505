/* SPDX-License-Identifier: Apache-2.0 */
/* Removing forged identity headers before anything reads them. */
#include "client_headers.h"

#include "config.h"

#include <apr_lib.h>
#include <http_config.h>

static const char *const always_ours[] = { "X-EAS-Reason", "X-Remote-User", "X-WebObjects-Remote-User" };

static bool is_same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        const int left = *a == '_' ? '-' : apr_tolower(*a);
        const int right = *b == '_' ? '-' : apr_tolower(*b);

        if (left != right)
            return false;
    }
    return *a == *b;
}

static bool is_ours(const apr_array_header_t *names, const char *name)
{
    for (size_t i = 0; i < sizeof always_ours / sizeof always_ours[0]; i++) {
        if (is_same_name(name, always_ours[i]))
            return true;
    }
    for (int i = 0; i < names->nelts; i++) {
        if (is_same_name(name, APR_ARRAY_IDX(names, i, const char *)))
            return true;
    }
    return false;
}

int eca_client_headers_remove(request_rec *r)
{
    const struct eca_server_config *config = eca_server_config_of(r->server);
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);

    if (!config->in_use)
        return DECLINED;
    for (int i = headers->nelts - 1; i >= 0; i--) {
        const char *name = APR_ARRAY_IDX(headers, i, apr_table_entry_t).key;

        if (!is_ours(config->header_names, name))
            continue;
        apr_table_unset(r->headers_in, name);
        if (i > headers->nelts) /* unset removes every entry of that name at once */
            i = headers->nelts;
    }
    return DECLINED;
}
