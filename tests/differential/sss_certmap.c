/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libsss_certmap makes of a certificate: a line "kind hexadecimal" for each kind of ours that it can write, for
 * test_differential.py. A program of its own: that library crashes alone, and its licence stays its own.
 */
#include <sss_certmap.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATE_MAX 1048576

/* Of the bare values, too, there must be a template, so that each is expanded and nothing is searched. */
static const struct {
    const char *kind, *rule;
} rules[] = {
    { "sid", "LDAPU1:{sid}" },
    { "sid-uri", "LDAP:{subject_uri}" },
    { "issuer-serial", "LDAPU1:X509:<I>{issuer_dn!ad_x500}<SR>{serial_number!hex_r}" },
    { "ski", "LDAPU1:X509:<SKI>{subject_key_id}" },
    { "sha1-pukey", "LDAPU1:X509:<SHA1-PUKEY>{cert!sha1}" },
    { "issuer-sid", "LDAPU1:X509:<I>{issuer_dn!ad_x500}<SID>{sid}" },
    { "certificate", "LDAPU1:{cert!sha256}" },
    { "upn", "LDAP:{subject_nt_principal}" },
    { "email", "LDAP:{subject_rfc822_name}" },
    { "cn", "LDAPU1:{subject_dn_component.cn}" },
    { "issuer-subject", "LDAP:X509:<I>{issuer_dn!ad_x500}<S>{subject_dn!ad_x500}" },
    { "subject", "LDAP:X509:<S>{subject_dn!ad_x500}" },
    { "rfc822", "LDAP:X509:<RFC822>{subject_rfc822_name}" },
};

static size_t read_certificate(uint8_t *der, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t length = 0;

    if (file == NULL)
        return 0;
    length = fread(der, 1, CERTIFICATE_MAX, file);
    (void)fclose(file);
    return length;
}

/* A rule of its own context: a certificate that lacks one value must not hide another. */
static bool print_value(const char *kind, const char *rule, const uint8_t *der, size_t length)
{
    struct sss_certmap_ctx *context = NULL;
    char *value = NULL, **domains = NULL;
    const bool ready = sss_certmap_init(NULL, NULL, NULL, &context) == 0
                       && sss_certmap_add_rule(context, 1, "KRB5:<ISSUER>.*", rule, NULL) == 0;

    if (ready && sss_certmap_expand_mapping_rule(context, der, length, &value, &domains) == 0) {
        printf("%s ", kind);
        for (size_t i = 0; value[i] != '\0'; i++)
            printf("%02x", (unsigned char)value[i]);
        printf("\n");
        sss_certmap_free_filter_and_domains(value, domains);
    }
    sss_certmap_free_ctx(context);
    return ready;
}

int main(int count, char **arguments)
{
    static uint8_t der[CERTIFICATE_MAX];
    const size_t length = count == 2 ? read_certificate(der, arguments[1]) : 0;
    char *content = NULL;

    if (length == 0) {
        fprintf(stderr, "usage: sss_certmap CERTIFICATE.der\n");
        return 2;
    }
    if (sss_certmap_display_cert_content(NULL, der, length, &content) != 0)
        return 1;
    talloc_free(content);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!print_value(rules[i].kind, rules[i].rule, der, length)) {
            fprintf(stderr, "sss_certmap: the rule for %s is not understood\n", rules[i].kind);
            return 2;
        }
    }
    return 0;
}
