/* SPDX-License-Identifier: Apache-2.0 */
#include "make_certificate.h"

#include "rows.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct eca_slice make_der_slice(const struct make_der *der)
{
    return (struct eca_slice){ der->bytes, der->length };
}

void make_der_append(struct make_der *out, struct eca_slice bytes)
{
    assert_true(bytes.length <= sizeof out->bytes - out->length);
    if (bytes.length > 0)
        memcpy(out->bytes + out->length, bytes.bytes, bytes.length);
    out->length += bytes.length;
}

void make_der_element(struct make_der *out, uint8_t tag, struct eca_slice content)
{
    const uint8_t low = (uint8_t)content.length;
    const uint8_t high = (uint8_t)(content.length >> 8);
    const uint8_t form[] = { tag, 0x82, high, low };
    const uint8_t middle[] = { tag, 0x81, low };
    const uint8_t brief[] = { tag, low };

    if (content.length < 0x80)
        make_der_append(out, (struct eca_slice){ brief, sizeof brief });
    else if (content.length < 0x100)
        make_der_append(out, (struct eca_slice){ middle, sizeof middle });
    else
        make_der_append(out, (struct eca_slice){ form, sizeof form });
    make_der_append(out, content);
}

void make_der_oid(struct make_der *out, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    assert_non_null(object);
    make_der_element(out, V_ASN1_OBJECT, (struct eca_slice){ OBJ_get0_data(object), OBJ_length(object) });
    ASN1_OBJECT_free(object);
}

static struct make_der *new_der(void)
{
    struct make_der *der = calloc(1, sizeof *der);

    assert_non_null(der);
    return der;
}

void make_der_name(struct make_der *out, const struct make_name_part *parts, size_t count)
{
    struct make_der *name = new_der(), *rdn = new_der(), *pair = new_der();

    for (size_t i = 0; i < count; i++) {
        pair->length = 0;
        make_der_oid(pair, parts[i].oid);
        make_der_element(pair, parts[i].tag, parts[i].value);
        make_der_element(rdn, 0x30, make_der_slice(pair));
        if (i + 1 < count && parts[i + 1].joined)
            continue;
        make_der_element(name, 0x31, make_der_slice(rdn));
        rdn->length = 0;
    }
    make_der_element(out, 0x30, make_der_slice(name));
    free(pair);
    free(rdn);
    free(name);
}

void make_der_other_name(struct make_der *out, const char *oid, uint8_t tag, struct eca_slice value)
{
    struct make_der *name = new_der(), *inner = new_der();

    make_der_element(inner, tag, value);
    make_der_oid(name, oid);
    make_der_element(name, 0xa0, make_der_slice(inner));
    make_der_element(out, 0xa0, make_der_slice(name));
    free(inner);
    free(name);
}

void make_der_uri(struct make_der *out, struct eca_slice uri)
{
    make_der_element(out, 0x86, uri);
}

void make_der_email(struct make_der *out, struct eca_slice address)
{
    make_der_element(out, 0x81, address);
}

void make_der_sid_extension(struct make_der *out, struct eca_slice sid)
{
    struct make_der *names = new_der();

    make_der_other_name(names, OID_OBJECT_SID, V_ASN1_OCTET_STRING, sid);
    make_der_element(out, 0x30, make_der_slice(names));
    free(names);
}

static EVP_PKEY *test_key(void)
{
    static EVP_PKEY *key;

    if (key == NULL)
        key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

/* A Name is set as it was encoded: X509_NAME keeps the bytes it was read from. */
static X509_NAME *read_name(const struct make_name_part *parts, size_t count)
{
    struct make_der *der = new_der();
    const unsigned char *at = der->bytes;
    X509_NAME *name;

    make_der_name(der, parts, count);
    name = d2i_X509_NAME(NULL, &at, (long)der->length);
    assert_non_null(name);
    free(der);
    return name;
}

static void set_names(X509 *x509, const struct make_certificate *what)
{
    static const struct make_name_part ordinary[] = { { OID_CN, V_ASN1_UTF8STRING, SLICE("Test CA"), false } };
    X509_NAME *issuer = what->issuer != NULL ? read_name(what->issuer, what->issuer_count)
                                             : read_name(ordinary, COUNT(ordinary));
    X509_NAME *subject = read_name(what->subject, what->subject_count);

    assert_int_equal(X509_set_issuer_name(x509, issuer), 1);
    assert_int_equal(X509_set_subject_name(x509, subject), 1);
    X509_NAME_free(issuer);
    X509_NAME_free(subject);
}

static void set_serial(X509 *x509, const char *hex)
{
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial;

    assert_true(BN_hex2bn(&number, hex == NULL ? "1" : hex) > 0);
    serial = BN_to_ASN1_INTEGER(number, NULL);
    assert_int_equal(X509_set_serialNumber(x509, serial), 1);
    ASN1_INTEGER_free(serial);
    BN_free(number);
}

static void add_extension(X509 *x509, const struct make_extension *what)
{
    ASN1_OBJECT *object = OBJ_txt2obj(what->oid, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_int_equal(ASN1_OCTET_STRING_set(content, what->content.bytes, (int)what->content.length), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, content);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(object);
}

X509 *make_certificate(const struct make_certificate *what)
{
    X509 *x509 = X509_new();

    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    set_names(x509, what);
    set_serial(x509, what->serial);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(x509), "20200101000000Z"), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(x509), "20400101000000Z"), 1);
    assert_int_equal(X509_set_pubkey(x509, test_key()), 1);
    for (size_t i = 0; i < MAKE_EXTENSIONS_MAX && what->extensions[i].oid != NULL; i++)
        add_extension(x509, &what->extensions[i]);
    assert_true(X509_sign(x509, test_key(), EVP_sha256()) > 0);
    return x509;
}

void make_certificate_der(struct make_der *out, const struct make_certificate *what)
{
    X509 *x509 = make_certificate(what);
    unsigned char *der = NULL;
    const int length = i2d_X509(x509, &der);

    assert_true(length > 0);
    make_der_append(out, (struct eca_slice){ der, (size_t)length });
    OPENSSL_free(der);
    X509_free(x509);
}

X509 *make_certificate_with_names(struct eca_slice general_names)
{
    struct make_der *san = new_der();
    struct make_certificate *what = calloc(1, sizeof *what);
    X509 *x509;

    assert_non_null(what);
    make_der_element(san, 0x30, general_names);
    what->extensions[0] = (struct make_extension){ OID_SAN, make_der_slice(san) };
    x509 = make_certificate(what);
    free(what);
    free(san);
    return x509;
}
