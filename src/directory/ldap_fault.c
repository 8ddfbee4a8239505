/* SPDX-License-Identifier: Apache-2.0 */
/* Result codes and diagnostic texts, sorted by what they mean. */
#include "ldap_fault.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

enum eca_directory_answer eca_ldap_fault_answer(enum eca_ldap_fault fault)
{
    switch (fault) {
    case ECA_LDAP_OK:
        return ECA_DIRECTORY_ANSWERED;
    case ECA_LDAP_DOWN:
    case ECA_LDAP_SILENT:
        return ECA_DIRECTORY_UNAVAILABLE;
    case ECA_LDAP_UNUSABLE:
    case ECA_LDAP_FINAL:
        break;
    }
    return ECA_DIRECTORY_FAILED;
}

enum eca_ldap_fault eca_ldap_fault_of_code(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return ECA_LDAP_OK;
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
        return ECA_LDAP_SILENT;
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_LOCAL_ERROR: /* of an answer that is not LDAP */
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return ECA_LDAP_DOWN;
    case LDAP_INVALID_CREDENTIALS:
        return ECA_LDAP_FINAL;
    default: /* the numbers are the server's choice */
        return ECA_LDAP_UNUSABLE;
    }
}

void eca_ldap_remark(char out[ECA_LDAP_REMARK_MAX], const char *text)
{
    size_t length = 0;

    for (; text != NULL && text[length] != '\0' && length < ECA_LDAP_REMARK_MAX - 1; length++) {
        const unsigned char byte = (unsigned char)text[length];

        out[length] = byte < 0x20 || byte == 0x7f ? ' ' : text[length];
    }
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}

const char *eca_ldap_logon_failure(const char *diagnostic)
{
    static const struct {
        unsigned long code;
        const char *meaning;
    } rows[] = {
        { 0x525, "there is no such account" },
        { 0x52e, "wrong password" },
        { 0x52f, "account restrictions (such as smart card required, or an empty password)" },
        { 0x530, "not permitted to log on at this time" },
        { 0x531, "not permitted to log on at this workstation" },
        { 0x532, "the password has expired" },
        { 0x533, "the account is disabled" },
        { 0x568, "too many context identifiers (a token with too many groups)" },
        { 0x701, "the account has expired" },
        { 0x773, "the password must be changed first" },
        { 0x775, "the account is locked" },
    };
    const char *at = diagnostic == NULL ? NULL : strstr(diagnostic, ", data ");
    unsigned long code;

    if (at == NULL)
        return "no reason given";
    code = strtoul(at + strlen(", data "), NULL, 16);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code)
            return rows[i].meaning;
    }
    return "another reason";
}

bool eca_ldap_blames_certificate(const char *remark)
{
    return strcasestr(remark, "certificate") != NULL || strcasestr(remark, "hostname") != NULL
           || strcmp(remark, ECA_LDAP_GNUTLS_UNVERIFIED) == 0;
}

bool eca_ldap_blames_kdc_outage(const char *remark)
{
    return strcasestr(remark, "Cannot contact any KDC") != NULL || strcasestr(remark, "Cannot resolve") != NULL;
}
