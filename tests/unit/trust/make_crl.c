/* SPDX-License-Identifier: Apache-2.0 */
#include "make_crl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void set_time(X509_CRL *crl, long days, int (*set)(X509_CRL *, const ASN1_TIME *))
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(NOW + days * DAY));

    assert_int_equal(set(crl, time), 1);
    ASN1_TIME_free(time);
}

static void add_number(X509_CRL *crl, int nid, long value, int critical)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    assert_int_equal(ASN1_INTEGER_set(number, value), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, nid, number, critical, 0), 1);
    ASN1_INTEGER_free(number);
}

static void add_extension(X509_CRL *crl, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_unknown(X509_CRL *crl, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;

    assert_int_equal(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5\0", 2), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void add_entry(X509_CRL *crl, const struct list_recipe *recipe, ASN1_INTEGER *serial)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *since = ASN1_TIME_set(NULL, (time_t)(NOW - DAY));
    ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
    GENERAL_NAMES *names = NULL;

    X509_REVOKED_set_serialNumber(revoked, serial);
    X509_REVOKED_set_revocationDate(revoked, since);
    ASN1_ENUMERATED_set(why, recipe->why);
    if (recipe->why != 0)
        assert_int_equal(X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, why, 0, 0), 1);
    if (recipe->foreign_entry) {
        GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_URI, "http://other.example.test/", 0);

        names = sk_GENERAL_NAME_new_null();
        sk_GENERAL_NAME_push(names, name);
        assert_int_equal(X509_REVOKED_add1_ext_i2d(revoked, NID_certificate_issuer, names, 1, 0), 1);
    }
    X509_CRL_add0_revoked(crl, revoked);
    GENERAL_NAMES_free(names);
    ASN1_ENUMERATED_free(why);
    ASN1_TIME_free(since);
}

static void add_serial(X509_CRL *crl, const struct list_recipe *recipe, long number)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    ASN1_INTEGER_set(serial, number);
    add_entry(crl, recipe, serial);
    ASN1_INTEGER_free(serial);
}

static void add_entries(X509_CRL *crl, const struct list_recipe *recipe)
{
    for (size_t i = 0; i < sizeof recipe->revoked / sizeof recipe->revoked[0] && recipe->revoked[i] != 0; i++)
        add_serial(crl, recipe, recipe->revoked[i]);
    for (long i = 0; i < recipe->more; i++)
        add_serial(crl, recipe, 1000000 + i);
    if (recipe->serial != NULL) {
        ASN1_INTEGER *serial = s2i_ASN1_INTEGER(NULL, recipe->serial);

        assert_non_null(serial);
        add_entry(crl, recipe, serial);
        ASN1_INTEGER_free(serial);
    }
}

static X509_CRL *make(const struct list_recipe *recipe)
{
    const bool ordinary = recipe->begins == 0 && recipe->ends == 0;
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *issuer = X509_NAME_new();

    X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8,
                               (const uint8_t *)(recipe->issuer == NULL ? "Issuing" : recipe->issuer), -1, -1, 0);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, issuer);
    X509_NAME_free(issuer);
    set_time(crl, ordinary ? -1 : recipe->begins, X509_CRL_set1_lastUpdate);
    if (!recipe->endless)
        set_time(crl, ordinary ? 1 : recipe->ends, X509_CRL_set1_nextUpdate);
    if (recipe->number != 0)
        add_number(crl, NID_crl_number, recipe->number, 0);
    if (recipe->base != 0)
        add_number(crl, NID_delta_crl, recipe->base, 1);
    if (recipe->scope != NULL)
        add_extension(crl, NID_issuing_distribution_point, recipe->scope);
    if (recipe->freshest != NULL)
        add_extension(crl, NID_freshest_crl, recipe->freshest);
    if (recipe->unknown != NULL)
        add_unknown(crl, recipe->unknown);
    add_entries(crl, recipe);
    X509_CRL_sort(crl);
    assert_true(X509_CRL_sign(crl, make_path_key(recipe->signer), recipe->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    return crl;
}

size_t make_crl(uint8_t **out, const struct list_recipe *recipe)
{
    X509_CRL *crl = make(recipe);
    int length;

    *out = NULL;
    length = i2d_X509_CRL(crl, out);
    X509_CRL_free(crl);
    assert_true(length > 0);
    return (size_t)length;
}

void make_crl_pem(BIO *bio, const struct list_recipe *recipe)
{
    X509_CRL *crl = make(recipe);

    assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    X509_CRL_free(crl);
}
