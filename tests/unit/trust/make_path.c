/* SPDX-License-Identifier: Apache-2.0 */
#include "make_path.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static EVP_PKEY *keys[KEYS];

int make_path_keys(void **state)
{
    static const unsigned bits[KEYS] = { [KEY_WEAK] = 1024, [KEY_TINY] = 512, [KEY_RSA] = 2048 };

    (void)state;
    for (int i = 0; i < KEYS; i++)
        keys[i] = bits[i] > 0 ? EVP_RSA_gen(bits[i]) : EVP_EC_gen("P-256");
    return 0;
}

int free_path_keys(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

EVP_PKEY *make_path_key(enum key key)
{
    return keys[key];
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = value != NULL ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

    if (value == NULL)
        return;
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_unknown_critical(X509 *certificate, const char *oid)
{
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    X509_EXTENSION *extension = NULL;

    ASN1_OCTET_STRING_set(content, (const unsigned char *)"\x05\x00", 2);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, content);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(content);
}

static void add_template(X509 *certificate, const char *hex)
{
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.311.21.7", 1);
    X509_EXTENSION *extension = NULL;
    long length = 0;

    ASN1_STRING_set0(content, OPENSSL_hexstr2buf(hex, &length), 0);
    content->length = (int)length;
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, content);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(content);
}

/* OIDs, each followed by a blank or the end. */
static void add_policies(X509 *certificate, const char *oids)
{
    CERTIFICATEPOLICIES *policies = sk_POLICYINFO_new_null();
    char copy[128], *rest = copy;

    strcpy(copy, oids);
    for (char *oid = strsep(&rest, " "); oid != NULL; oid = strsep(&rest, " ")) {
        POLICYINFO *policy = POLICYINFO_new();

        policy->policyid = OBJ_txt2obj(oid, 1);
        sk_POLICYINFO_push(policies, policy);
    }
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_certificate_policies, policies, 0, 0), 1);
    CERTIFICATEPOLICIES_free(policies);
}

static void set_name(X509_NAME *name, const char *common_name)
{
    if (*common_name != '\0')
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
}

X509 *make_path_certificate(const struct recipe *recipe)
{
    X509 *certificate = X509_new();
    const EVP_MD *digest = NULL;
    const bool ordinary = recipe->begins == 0 && recipe->ends == 0;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
    set_name(X509_get_subject_name(certificate), recipe->subject);
    set_name(X509_get_issuer_name(certificate), recipe->issuer);
    ASN1_TIME_set(X509_getm_notBefore(certificate), NOW + (ordinary ? -100 : recipe->begins) * DAY);
    ASN1_TIME_set(X509_getm_notAfter(certificate), NOW + (ordinary ? 100 : recipe->ends) * DAY);
    X509_set_pubkey(certificate, keys[recipe->key]);
    add_extension(certificate, NID_basic_constraints, recipe->basic_constraints);
    add_extension(certificate, NID_key_usage, recipe->key_usage);
    add_extension(certificate, NID_ext_key_usage, recipe->extended_key_usage);
    if (recipe->policies != NULL)
        add_policies(certificate, recipe->policies);
    add_extension(certificate, NID_name_constraints, recipe->name_constraints);
    add_extension(certificate, NID_subject_alt_name, recipe->alternative_names);
    if (recipe->template != NULL)
        add_template(certificate, recipe->template);
    if (recipe->critical_oid != NULL)
        add_unknown_critical(certificate, recipe->critical_oid);
    if (recipe->change != NULL)
        recipe->change(certificate);
    digest = recipe->sha1 ? EVP_sha1() : recipe->md5 ? EVP_md5() : EVP_sha256();
    assert_true(X509_sign(certificate, keys[recipe->signer], digest) > 0);
    if (recipe->damage != NULL)
        recipe->damage(certificate);
    return certificate;
}

void make_path_file(char *path, const struct recipe *const *recipes, const char *text)
{
    FILE *file = NULL;
    int fd = -1;

    strcpy(path, "/tmp/test_path.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    for (; recipes != NULL && *recipes != NULL; recipes++) {
        X509 *certificate = make_path_certificate(*recipes);

        PEM_write_X509(file, certificate);
        X509_free(certificate);
    }
    fputs(text, file);
    fclose(file);
}

struct eca_trust_anchors *make_path_anchors(const struct recipe *const *recipes)
{
    struct eca_error err = { .text = "" };
    char path[32];
    const char *const files[] = { path };
    struct eca_trust_anchors *anchors = NULL;

    make_path_file(path, recipes, "");
    anchors = eca_trust_anchors_open(files, 1, &err);
    unlink(path);
    assert_string_equal(err.text, "");
    return anchors;
}

STACK_OF(X509) *make_path_chain(const struct recipe *const *recipes)
{
    STACK_OF(X509) *chain = sk_X509_new_null();

    for (; *recipes != NULL; recipes++)
        sk_X509_push(chain, make_path_certificate(*recipes));
    return chain;
}
