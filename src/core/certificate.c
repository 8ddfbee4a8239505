/* SPDX-License-Identifier: Apache-2.0 */
/* From a peer certificate to the values in it; every byte of them is a stranger's. */
#include "certificate.h"

#include "der.h"

#include <openssl/err.h>
#include <string.h>
#include <time.h>

static const char sid_uri_prefix[] = "tag:microsoft.com,2022-09-14:sid:"; /* KB5014754 */

/* 1.3.6.1.4.1.311.25.2 and 1.3.6.1.4.1.311.25.2.1, szOID_NTDS_OBJECTSID: MS-WCCE 2.2.2.7.7.4 */
static const uint8_t sid_extension_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02 };
static const uint8_t object_sid_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01 };

#define SLICE_OF(array) ((struct eca_slice){ (array), sizeof(array) })

static struct eca_slice string_slice(const ASN1_STRING *string)
{
    return (struct eca_slice){ ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string) };
}

static struct eca_slice object_slice(const ASN1_OBJECT *object)
{
    return (struct eca_slice){ OBJ_get0_data(object), OBJ_length(object) };
}

/* Every pair is compared, which the bound on their number pays for. */
static bool check_extensions(const X509 *x509, struct eca_error *err)
{
    const int count = X509_get_ext_count(x509);

    if (count > ECA_CERTIFICATE_EXTENSIONS_MAX)
        return eca_error_set(err, "the certificate has more than %d extensions", ECA_CERTIFICATE_EXTENSIONS_MAX);
    for (int i = 0; i < count; i++) {
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(X509_get_ext(x509, i));

        if (X509_get_ext_by_OBJ(x509, object, i) >= 0) {
            char oid[64];

            (void)OBJ_obj2txt(oid, sizeof oid, object, 1);
            return eca_error_set(err, "the certificate has the extension %s twice", oid);
        }
    }
    return true;
}

/* Content of the extension with this OID; absent when there is none. */
static struct eca_slice find_extension(const X509 *x509, struct eca_slice oid)
{
    const int count = X509_get_ext_count(x509);

    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);

        if (eca_slice_equal(object_slice(X509_EXTENSION_get_object(extension)), oid))
            return string_slice(X509_EXTENSION_get_data(extension));
    }
    return (struct eca_slice){ NULL, 0 };
}

static struct eca_slice find_extension_by_nid(const X509 *x509, int nid)
{
    return find_extension(x509, object_slice(OBJ_nid2obj(nid)));
}

static bool read_digests(struct eca_certificate *out, struct eca_error *err)
{
    if (X509_digest(out->x509, EVP_sha256(), out->sha256, NULL) != 1
        || X509_digest(out->x509, EVP_sha1(), out->sha1, NULL) != 1
        || X509_pubkey_digest(out->x509, EVP_sha1(), out->public_key_sha1, NULL) != 1)
        return eca_error_set(err, "the certificate's digests cannot be computed");
    return true;
}

static bool read_time(int64_t *out, const ASN1_TIME *time, const char *name, struct eca_error *err)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return eca_error_set(err, "the certificate's %s cannot be read", name);
    *out = timegm(&tm);
    return true;
}

static void read_serial(struct eca_certificate *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(out->x509);

    out->serial = string_slice(serial);
    while (out->serial.length > 1 && out->serial.bytes[0] == 0) {
        out->serial.bytes++;
        out->serial.length--;
    }
    out->serial_positive = ASN1_STRING_type(serial) == V_ASN1_INTEGER && out->serial.length > 0
                           && out->serial.bytes[0] != 0;
}

/* SubjectKeyIdentifier ::= OCTET STRING        RFC 5280 section 4.2.1.2 */
static void read_key_identifier(struct eca_certificate *out)
{
    struct eca_slice rest = find_extension_by_nid(out->x509, NID_subject_key_identifier);
    struct eca_slice content;

    if (eca_der_take(&rest, ECA_DER_OCTET_STRING, &content) && rest.length == 0 && content.length > 0)
        out->key_identifier = content;
}

/*
 * SEQUENCE { [0] { OBJECT IDENTIFIER objectSid, [0] { OCTET STRING } } }        MS-WCCE 2.2.2.7.7.4
 * The octets are the SID as text. One name and nothing behind it: what two readers could
 * read differently is refused.
 */
static bool read_sid_extension(struct eca_certificate *out, struct eca_error *err)
{
    struct eca_slice extension = find_extension(out->x509, SLICE_OF(sid_extension_oid));
    struct eca_slice names, name, type, value, octets;

    if (extension.bytes == NULL)
        return true;
    if (eca_der_take(&extension, ECA_DER_SEQUENCE, &names) && extension.length == 0
        && eca_der_take(&names, ECA_DER_CONTEXT_0, &name) && names.length == 0
        && eca_der_take(&name, ECA_DER_OBJECT_IDENTIFIER, &type) && eca_slice_equal(type, SLICE_OF(object_sid_oid))
        && eca_der_take(&name, ECA_DER_CONTEXT_0, &value) && name.length == 0
        && eca_der_take(&value, ECA_DER_OCTET_STRING, &octets) && value.length == 0
        && eca_sid_parse_text(out->sid, octets))
        return true;
    return eca_error_set(err, "the certificate's SID extension cannot be read");
}

/* UPN ::= UTF8String, in an otherName of type 1.3.6.1.4.1.311.20.2.3 */
static void read_other_name(struct eca_certificate *out, const OTHERNAME *name)
{
    if (OBJ_obj2nid(name->type_id) != NID_ms_upn)
        return;
    if (ASN1_TYPE_get(name->value) != V_ASN1_UTF8STRING || out->upn_count == ECA_CERTIFICATE_NAMES_MAX) {
        out->upn_readable = false;
        return;
    }
    out->upns[out->upn_count++] = string_slice(name->value->value.utf8string);
}

static void read_email(struct eca_certificate *out, const ASN1_IA5STRING *address)
{
    if (out->email_count == ECA_CERTIFICATE_NAMES_MAX)
        out->email_readable = false;
    else
        out->emails[out->email_count++] = string_slice(address);
}

static void read_uri(struct eca_certificate *out, const ASN1_IA5STRING *uri)
{
    struct eca_slice text = string_slice(uri);
    char sid[ECA_SID_TEXT_MAX];

    if (text.length < sizeof sid_uri_prefix - 1 || memcmp(text.bytes, sid_uri_prefix, sizeof sid_uri_prefix - 1) != 0)
        return;
    text.bytes += sizeof sid_uri_prefix - 1;
    text.length -= sizeof sid_uri_prefix - 1;
    if (!eca_sid_parse_text(sid, text) || (out->sid_uri[0] != '\0' && strcmp(out->sid_uri, sid) != 0)) {
        out->sid_uri_readable = false;
        return;
    }
    memcpy(out->sid_uri, sid, sizeof sid);
}

static void read_names(struct eca_certificate *out)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(out->alternative_names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(out->alternative_names, i);

        if (name->type == GEN_OTHERNAME)
            read_other_name(out, name->d.otherName);
        else if (name->type == GEN_EMAIL)
            read_email(out, name->d.rfc822Name);
        else if (name->type == GEN_URI)
            read_uri(out, name->d.uniformResourceIdentifier);
    }
}

/* Not X509_get_ext_d2i(): that one accepts bytes behind the names. */
static bool read_alternative_names(struct eca_certificate *out, struct eca_error *err)
{
    const struct eca_slice extension = find_extension_by_nid(out->x509, NID_subject_alt_name);
    const unsigned char *at = extension.bytes;

    out->upn_readable = true;
    out->email_readable = true;
    out->sid_uri_readable = true;
    if (extension.bytes == NULL)
        return true;
    out->alternative_names = d2i_GENERAL_NAMES(NULL, &at, (long)extension.length);
    if (out->alternative_names == NULL || at != extension.bytes + extension.length)
        return eca_error_set(err, "the certificate's subjectAltName cannot be read");
    read_names(out);
    return true;
}

static bool read_all(struct eca_certificate *out, struct eca_error *err)
{
    const int length = i2d_X509(out->x509, NULL);

    if (length <= 0 || length > ECA_CERTIFICATE_DER_MAX)
        return eca_error_set(err, "the certificate is longer than %d bytes", ECA_CERTIFICATE_DER_MAX);
    read_serial(out);
    read_key_identifier(out);
    return check_extensions(out->x509, err) && read_digests(out, err)
           && read_time(&out->not_before, X509_get0_notBefore(out->x509), "notBefore", err)
           && read_time(&out->not_after, X509_get0_notAfter(out->x509), "notAfter", err) && read_sid_extension(out, err)
           && read_alternative_names(out, err);
}

bool eca_certificate_open(struct eca_certificate *out, X509 *x509, struct eca_error *err)
{
    bool read;

    memset(out, 0, sizeof *out);
    if (X509_up_ref(x509) != 1)
        return eca_error_set(err, "the certificate cannot be held");
    out->x509 = x509;
    (void)ERR_set_mark();
    read = read_all(out, err);
    (void)ERR_pop_to_mark();
    if (!read)
        eca_certificate_close(out);
    return read;
}

X509 *eca_certificate_read_der(struct eca_slice der, struct eca_error *err)
{
    const unsigned char *at = der.bytes;
    X509 *x509 = NULL;

    if (der.length > ECA_CERTIFICATE_DER_MAX) {
        eca_error_set(err, "the certificate is longer than %d bytes", ECA_CERTIFICATE_DER_MAX);
        return NULL;
    }
    (void)ERR_set_mark();
    x509 = der.length > 0 ? d2i_X509(NULL, &at, (long)der.length) : NULL;
    (void)ERR_pop_to_mark();
    if (x509 != NULL && at == der.bytes + der.length)
        return x509;
    eca_error_set(err, x509 == NULL ? "this is no X.509 certificate" : "bytes follow the certificate");
    X509_free(x509);
    return NULL;
}

bool eca_certificate_open_der(struct eca_certificate *out, struct eca_slice der, struct eca_error *err)
{
    X509 *x509 = eca_certificate_read_der(der, err);
    bool opened = false;

    memset(out, 0, sizeof *out);
    if (x509 != NULL)
        opened = eca_certificate_open(out, x509, err);
    X509_free(x509);
    return opened;
}

void eca_certificate_close(struct eca_certificate *certificate)
{
    GENERAL_NAMES_free(certificate->alternative_names);
    X509_free(certificate->x509);
    memset(certificate, 0, sizeof *certificate);
}
