/* SPDX-License-Identifier: Apache-2.0 */
/* A peer certificate, all the way to the filter. */
#include "certificate.h"
#include "ldap_filter.h"
#include "mapping.h"
#include "utf8.h"

#include "filter_shape.h"
#include "fuzz.h"

#include <openssl/err.h>

static void check_key(const struct eca_mapping_keys *keys, const struct eca_mapping_key *key)
{
    const char *value = (const char *)key->value.bytes;

    MUST(key->kind < ECA_MAPPING_KINDS);
    MUST(key->value.length > 0);
    MUST(value >= keys->text && value + key->value.length <= keys->text + keys->text_length);
    if (key->kind == ECA_MAPPING_CERTIFICATE) {
        MUST(key->value.length == 32);
        return;
    }
    MUST(eca_mapping_key_equals(key, key->value));
    if (strcmp(eca_mapping_describe(key->kind)->attribute, "objectSid") != 0)
        MUST(eca_utf8_is_clean(key->value));
    if (strcmp(eca_mapping_describe(key->kind)->attribute, "altSecurityIdentities") == 0)
        MUST(key->value.length > 6 && memcmp(value, "X509:<", 6) == 0);
}

static void check_keys(const struct eca_certificate *certificate, const struct eca_mapping_policy *policy)
{
    static struct eca_mapping_keys keys;
    static char filter[ECA_LDAP_FILTER_MAX];
    struct eca_error err = { .text = "" };
    struct eca_strbuf out;

    if (!eca_mapping_keys_build(&keys, certificate, policy, &err)) {
        MUST(err.text[0] != '\0' && keys.count == 0);
        return;
    }
    MUST(err.text[0] == '\0');
    MUST(keys.count <= ECA_MAPPING_KEYS_MAX && keys.text_length <= sizeof keys.text);
    MUST(eca_utf8_is_clean(eca_slice_from_text(keys.strong_value)));
    MUST(certificate->sid[0] == '\0' || strcmp(keys.sid, certificate->sid) == 0);
    for (size_t i = 0; i < keys.count; i++) {
        check_key(&keys, &keys.keys[i]);
        MUST(i == 0 || keys.keys[i - 1].rank <= keys.keys[i].rank);
        MUST(keys.keys[i].configured || !eca_mapping_describe(keys.keys[i].kind)->strong);
    }
    eca_strbuf_init(&out, filter, sizeof filter);
    if (!eca_ldap_filter_keys(&out, &keys, "example.test", false)) {
        MUST(filter[0] == '\0');
        return;
    }
    MUST(!out.overflow);
    check_filter_shape(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct eca_mapping_policy policies[] = {
        { { ECA_MAPPING_SID, ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_SKI, ECA_MAPPING_SHA1_PUKEY }, 4 },
        { { ECA_MAPPING_UPN, ECA_MAPPING_SID_URI, ECA_MAPPING_SID, ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_SKI,
            ECA_MAPPING_SHA1_PUKEY }, 6 },
        { { ECA_MAPPING_UPN }, 1 },
        { { ECA_MAPPING_SID_URI }, 1 },
        { { ECA_MAPPING_RFC822, ECA_MAPPING_SUBJECT, ECA_MAPPING_ISSUER_SUBJECT, ECA_MAPPING_CN, ECA_MAPPING_EMAIL,
            ECA_MAPPING_CERTIFICATE, ECA_MAPPING_SID_URI, ECA_MAPPING_ISSUER_SID }, 8 },
    };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };

    if (!eca_certificate_open_der(&certificate, (struct eca_slice){ bytes, length }, &err)) {
        MUST(err.text[0] != '\0' && certificate.x509 == NULL);
        MUST(ERR_peek_error() == 0);
        return 0;
    }
    MUST(certificate.upn_count <= ECA_CERTIFICATE_NAMES_MAX);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        check_keys(&certificate, &policies[i]);
    MUST(ERR_peek_error() == 0);
    eca_certificate_close(&certificate);
    return 0;
}
