/* SPDX-License-Identifier: Apache-2.0 */
/* What every filter of ours looks like, whatever a stranger put into it. */
#ifndef FILTER_SHAPE_H
#define FILTER_SHAPE_H

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

/*
 * "(&(objectCategory=person)(objectClass=user)(|" 1*item "))"
 * item = "(" known-attribute "=" *( plain / "\" hex hex ) ")"
 * Read as RFC 4515 reads it: a value ends at the first parenthesis, so nothing in a value can be one.
 */
static inline void check_filter_shape(const char *filter)
{
    static const char head[] = "(&(objectCategory=person)(objectClass=user)(|";
    static const char *const attributes[]
        = { "objectSid=", "altSecurityIdentities=", "userPrincipalName=", "sAMAccountName=", "mail=" };
    const char *at = filter + sizeof head - 1;
    size_t items = 0;

    MUST(strncmp(filter, head, sizeof head - 1) == 0);
    for (; *at == '('; items++) {
        bool known = false;

        at++;
        for (size_t i = 0; i < sizeof attributes / sizeof attributes[0] && !known; i++) {
            known = strncmp(at, attributes[i], strlen(attributes[i])) == 0;
            at += known ? strlen(attributes[i]) : 0;
        }
        MUST(known);
        for (; *at != ')'; at++) {
            MUST(*at >= 0x20 && *at < 0x7f && *at != '(' && *at != '*');
            if (*at == '\\') {
                MUST(strspn(at + 1, "0123456789abcdef") >= 2);
                at += 2;
            }
        }
        at++;
    }
    MUST(items > 0);
    MUST(strcmp(at, "))") == 0);
}

#endif
