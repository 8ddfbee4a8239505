/* SPDX-License-Identifier: Apache-2.0 */
/* The trust stage over certificates made at run time: paths, purposes and dates. */
#include "path.h"

#include <openssl/evp.h>
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

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define DAY 86400
#define CA_EXTENSIONS "critical,CA:TRUE", "critical,keyCertSign,cRLSign"

enum key { KEY_ROOT, KEY_ISSUING, KEY_STRANGE, KEY_LEAF, KEY_WEAK, KEYS };

static EVP_PKEY *keys[KEYS];

/* What a certificate is made of; zeroed members get something ordinary. */
struct recipe {
    const char *subject;
    const char *issuer;
    enum key key;
    enum key signer;
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage;
    const char *critical_oid; /* an extension nobody knows, marked critical */
    const char *policies; /* certificatePolicies */
    const char *template; /* the value of Microsoft's template extension, in hexadecimal */
    const char *name_constraints;
    bool sha1; /* signed with it instead of SHA-256 */
    long begins, ends; /* days from NOW; both 0: from -100 to 100 */
};

static const struct recipe root = { "Root", "Root", KEY_ROOT, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing_ended = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS, .begins = -200,
                                             .ends = -1 };
static const struct recipe issuing_for_mail = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS,
                                                .extended_key_usage = "emailProtection" };
static const struct recipe issuing_no_ca = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, "critical,CA:FALSE" };
static const struct recipe root_without_depth = { "Root", "Root", KEY_ROOT, KEY_ROOT, "critical,CA:TRUE,pathlen:0",
                                                  "critical,keyCertSign" };
static const struct recipe strange = { "Strange", "Strange", KEY_STRANGE, KEY_STRANGE, CA_EXTENSIONS };
static const struct recipe root_with_strange_key = { "Root", "Root", KEY_STRANGE, KEY_STRANGE, CA_EXTENSIONS };

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
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
}

static X509 *make(const struct recipe *recipe)
{
    X509 *certificate = X509_new();
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
    if (recipe->template != NULL)
        add_template(certificate, recipe->template);
    if (recipe->critical_oid != NULL)
        add_unknown_critical(certificate, recipe->critical_oid);
    assert_true(X509_sign(certificate, keys[recipe->signer], recipe->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    return certificate;
}

/* The files hold what is written to them until the test program ends. */
static void write_file(char *path, const struct recipe *const *recipes, const char *text)
{
    FILE *file = NULL;
    int fd = -1;

    strcpy(path, "/tmp/test_path.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    for (; recipes != NULL && *recipes != NULL; recipes++) {
        X509 *certificate = make(*recipes);

        PEM_write_X509(file, certificate);
        X509_free(certificate);
    }
    fputs(text, file);
    fclose(file);
}

static struct eca_trust_anchors *open_anchors(const struct recipe *const *recipes)
{
    struct eca_error err = { .text = "" };
    char path[32];
    const char *const files[] = { path };
    struct eca_trust_anchors *anchors = NULL;

    write_file(path, recipes, "");
    anchors = eca_trust_anchors_open(files, 1, &err);
    unlink(path);
    assert_string_equal(err.text, "");
    return anchors;
}

struct judge_row {
    const char *why;
    struct recipe leaf;
    const struct recipe *anchors[4];
    const struct recipe *sent[4];
    const char *purpose; /* NULL: clientAuth */
    enum eca_certificate_fact fact;
};

static const struct judge_row judge_rows[] = {
    { "issued by an anchor", { "alice", "Root", KEY_LEAF, KEY_ROOT }, { &root }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "the issuing CA is in the file: a resumed session brings no chain",
      { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root, &issuing }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "any CA of the file is an anchor, not only self-signed ones",
      { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &issuing }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "the issuing CA came along", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root }, { &issuing }, NULL,
      ECA_CERTIFICATE_GOOD },
    { "the issuing CA is nowhere", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "a strange CA", { "alice", "Strange", KEY_LEAF, KEY_STRANGE }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "a strange CA that sends itself along", { "alice", "Strange", KEY_LEAF, KEY_STRANGE }, { &root }, { &strange },
      NULL, ECA_CERTIFICATE_UNTRUSTED },
    { "a strange CA that took our CA's name", { "alice", "Root", KEY_LEAF, KEY_STRANGE }, { &root },
      { &root_with_strange_key }, NULL, ECA_CERTIFICATE_UNTRUSTED },
    { "signed by itself", { "alice", "alice", KEY_LEAF, KEY_LEAF }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "issued by a certificate that is no CA's", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root },
      { &issuing_no_ca }, NULL, ECA_CERTIFICATE_UNTRUSTED },
    { "longer than the anchor's pathlen", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root_without_depth },
      { &issuing }, NULL, ECA_CERTIFICATE_UNTRUSTED },
    { "a critical extension nobody knows",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .critical_oid = "1.3.6.1.4.1.99999.1" },
      { &root }, { NULL }, NULL, ECA_CERTIFICATE_UNTRUSTED },
    { "a SHA-1 signature", { "alice", "Root", KEY_LEAF, KEY_ROOT, .sha1 = true }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "a key of 1024 bits", { "alice", "Root", KEY_WEAK, KEY_ROOT }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "clientAuth among others",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "emailProtection,clientAuth" },
      { &root }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "serverAuth only", { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "serverAuth" }, { &root },
      { NULL }, NULL, ECA_CERTIFICATE_PURPOSE },
    { "anyExtendedKeyUsage is every purpose",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "anyExtendedKeyUsage" }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_GOOD },
    { "`any` accepts serverAuth",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "serverAuth" }, { &root },
      { NULL }, "any", ECA_CERTIFICATE_GOOD },
    { "another purpose is configured, by OID",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "1.3.6.1.4.1.311.20.2.2" }, { &root }, { NULL },
      "1.3.6.1.4.1.311.20.2.2", ECA_CERTIFICATE_GOOD },
    { "an issuer limited to mail cannot make log-on certificates", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING },
      { &root }, { &issuing_for_mail }, NULL, ECA_CERTIFICATE_PURPOSE },
    { "a key for encryption only", { "alice", "Root", KEY_LEAF, KEY_ROOT, .key_usage = "critical,keyEncipherment" },
      { &root }, { NULL }, NULL, ECA_CERTIFICATE_PURPOSE },
    { "a key for signatures", { "alice", "Root", KEY_LEAF, KEY_ROOT, .key_usage = "critical,digitalSignature" },
      { &root }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "ended yesterday", { "alice", "Root", KEY_LEAF, KEY_ROOT, .begins = -9, .ends = -1 }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_EXPIRED },
    { "begins tomorrow", { "alice", "Root", KEY_LEAF, KEY_ROOT, .begins = 1, .ends = 9 }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_NOT_YET_VALID },
    { "ended and strange: an outsider learns nothing of dates",
      { "alice", "Strange", KEY_LEAF, KEY_STRANGE, .begins = -9, .ends = -1 }, { &root }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "ended and of the wrong purpose: purpose comes first",
      { "alice", "Root", KEY_LEAF, KEY_ROOT, .extended_key_usage = "serverAuth", .begins = -9, .ends = -1 }, { &root },
      { NULL }, NULL, ECA_CERTIFICATE_PURPOSE },
    { "its issuer has ended", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING }, { &root, &issuing_ended }, { NULL }, NULL,
      ECA_CERTIFICATE_UNTRUSTED },
    { "two generations of the issuer, the ended one first", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING },
      { &issuing_ended, &issuing, &root }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "two generations of the issuer, the ended one last", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING },
      { &root, &issuing, &issuing_ended }, { NULL }, NULL, ECA_CERTIFICATE_GOOD },
    { "the client sends the ended generation along", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING },
      { &root, &issuing }, { &issuing_ended }, NULL, ECA_CERTIFICATE_GOOD },
};

static struct eca_purposes read_purposes(const char *name)
{
    struct eca_purposes purposes = { .any = name != NULL && strcmp(name, "any") == 0 };

    purposes.accepted[0] = name != NULL && strchr(name, '.') != NULL ? OBJ_txt2obj(name, 1)
                                                                       : OBJ_nid2obj(NID_client_auth);
    purposes.count = 1;
    return purposes;
}

static STACK_OF(X509) *make_chain(const struct recipe *const *recipes)
{
    STACK_OF(X509) *chain = sk_X509_new_null();

    for (; *recipes != NULL; recipes++)
        sk_X509_push(chain, make(*recipes));
    return chain;
}

/* When GOOD, the path leads from the certificate to an anchor. */
static enum eca_certificate_fact judge(const struct eca_trust_anchors *anchors, X509 *leaf, STACK_OF(X509) *chain,
                                       const struct eca_purposes *purposes, struct eca_error *err)
{
    const struct eca_path_question question = { .leaf = leaf, .chain = chain, .purposes = purposes, .now = NOW };
    STACK_OF(X509) *path = NULL;
    const enum eca_certificate_fact fact = eca_path_judge(anchors, &question, &path, err);

    assert_int_equal(path != NULL, fact == ECA_CERTIFICATE_GOOD);
    for (int i = 0; path != NULL && i + 1 < sk_X509_num(path); i++)
        assert_int_equal(X509_check_issued(sk_X509_value(path, i + 1), sk_X509_value(path, i)), X509_V_OK);
    if (path != NULL)
        assert_int_equal(X509_cmp(sk_X509_value(path, 0), leaf), 0);
    sk_X509_pop_free(path, X509_free);
    return fact;
}

static void test_judge_certificate_gives_its_fact(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(judge_rows); i++) {
        const struct judge_row *row = &judge_rows[i];
        struct eca_purposes purposes = read_purposes(row->purpose);
        struct eca_trust_anchors *anchors = open_anchors(row->anchors);
        STACK_OF(X509) *chain = make_chain(row->sent);
        struct eca_error err = { .text = "" };
        X509 *leaf = make(&row->leaf);

        print_message("  %s\n", row->why);
        assert_int_equal(judge(anchors, leaf, chain, &purposes, &err), row->fact);
        assert_int_equal(err.text[0] == '\0', row->fact == ECA_CERTIFICATE_GOOD);
        X509_free(leaf);
        sk_X509_pop_free(chain, X509_free);
        eca_trust_anchors_close(anchors);
        ASN1_OBJECT_free(purposes.accepted[0]);
    }
}

#define TEMPLATE "060a2b060104018237150801" /* 1.3.6.1.4.1.311.21.8.1 */
#define OTHER_TEMPLATE "060a2b060104018237150802"

static void test_judge_policy_or_template_must_be_accepted(void **state)
{
    static const struct {
        const char *why;
        struct recipe leaf;
        const char *accepted[3];
        enum eca_certificate_fact fact;
    } rows[] = {
        { "the policy", { .policies = "1.2.3.4" }, { "1.2.3.4" }, ECA_CERTIFICATE_GOOD },
        { "one of several policies", { .policies = "1.2.3.4 1.2.3.5" }, { "1.2.3.5" }, ECA_CERTIFICATE_GOOD },
        { "one of several accepted", { .policies = "1.2.3.4" }, { "1.2.3.9", "1.2.3.4" }, ECA_CERTIFICATE_GOOD },
        { "another policy", { .policies = "1.2.3.4" }, { "1.2.3.5" }, ECA_CERTIFICATE_PURPOSE },
        { "one that begins alike", { .policies = "1.2.3.45" }, { "1.2.3.4" }, ECA_CERTIFICATE_PURPOSE },
        { "no policy", { .subject = NULL }, { "1.2.3.4" }, ECA_CERTIFICATE_PURPOSE },
        { "anyPolicy in the certificate is not the one wanted", { .policies = "2.5.29.32.0" }, { "1.2.3.4" },
          ECA_CERTIFICATE_PURPOSE },
        { "the template", { .template = "3012" TEMPLATE "020164" "020101" },
          { "1.3.6.1.4.1.311.21.8.1" }, ECA_CERTIFICATE_GOOD },
        { "the template without versions", { .template = "300c" TEMPLATE },
          { "1.3.6.1.4.1.311.21.8.1" }, ECA_CERTIFICATE_GOOD },
        { "another template", { .template = "300c" OTHER_TEMPLATE }, { "1.3.6.1.4.1.311.21.8.1" },
          ECA_CERTIFICATE_PURPOSE },
        { "a template of unreadable shape", { .template = TEMPLATE },
          { "1.3.6.1.4.1.311.21.8.1" }, ECA_CERTIFICATE_PURPOSE },
        { "a template that is cut", { .template = "300c" "060a2b0601040182" }, { "1.3.6.1.4.1.311.21.8.1" },
          ECA_CERTIFICATE_PURPOSE },
        { "an empty template", { .template = "3000" }, { "1.3.6.1.4.1.311.21.8.1" }, ECA_CERTIFICATE_PURPOSE },
    };
    const struct recipe *const trusted[] = { &root, NULL };
    struct eca_trust_anchors *anchors = open_anchors(trusted);
    struct eca_purposes purposes = read_purposes(NULL);
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_certificate_policies policies = { .count = 0 };
        struct recipe recipe = rows[i].leaf;
        struct eca_error err = { .text = "" };
        X509 *leaf = NULL;
        struct eca_path_question question = { .purposes = &purposes, .policies = &policies, .now = NOW };

        recipe.subject = "alice";
        recipe.issuer = "Root";
        recipe.key = KEY_LEAF;
        recipe.signer = KEY_ROOT;
        question.leaf = leaf = make(&recipe);
        while (rows[i].accepted[policies.count] != NULL) {
            policies.accepted[policies.count] = OBJ_txt2obj(rows[i].accepted[policies.count], 1);
            policies.count++;
        }
        print_message("  %s\n", rows[i].why);
        assert_int_equal(eca_path_judge(anchors, &question, NULL, &err), rows[i].fact);
        assert_int_equal(err.text[0] == '\0', rows[i].fact == ECA_CERTIFICATE_GOOD);
        for (size_t j = 0; j < policies.count; j++)
            ASN1_OBJECT_free(policies.accepted[j]);
        X509_free(leaf);
    }
    eca_trust_anchors_close(anchors);
}

static void test_judge_signature_changed_is_untrusted(void **state)
{
    const struct recipe *const trusted[] = { &root, NULL };
    const struct recipe recipe = { "alice", "Root", KEY_LEAF, KEY_ROOT };
    struct eca_trust_anchors *anchors = open_anchors(trusted);
    struct eca_purposes purposes = read_purposes(NULL);
    struct eca_error err = { .text = "" };
    X509 *signed_one = make(&recipe), *changed = NULL;
    unsigned char *der = NULL;
    const unsigned char *at = NULL;
    const int length = i2d_X509(signed_one, &der);

    (void)state;
    der[length - 1] ^= 1;
    at = der;
    changed = d2i_X509(NULL, &at, length);
    assert_int_equal(judge(anchors, changed, NULL, &purposes, &err), ECA_CERTIFICATE_UNTRUSTED);
    X509_free(changed);
    X509_free(signed_one);
    OPENSSL_free(der);
    eca_trust_anchors_close(anchors);
}

static void test_judge_long_chain_is_untrusted(void **state)
{
    const struct recipe *const trusted[] = { &root, NULL };
    const struct recipe recipe = { "alice", "Root", KEY_LEAF, KEY_ROOT };
    struct eca_trust_anchors *anchors = open_anchors(trusted);
    struct eca_purposes purposes = read_purposes(NULL);
    struct eca_error err = { .text = "" };
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *leaf = make(&recipe);

    (void)state;
    for (int i = 0; i <= ECA_CHAIN_MAX; i++)
        sk_X509_push(chain, make(&strange));
    assert_int_equal(judge(anchors, leaf, chain, &purposes, &err), ECA_CERTIFICATE_UNTRUSTED);
    sk_X509_pop_free(chain, X509_free);
    X509_free(leaf);
    eca_trust_anchors_close(anchors);
}

static void test_anchors_open_unusable_file_is_refused(void **state)
{
    static const struct recipe leaf = { "alice", "Root", KEY_LEAF, KEY_ROOT, "CA:FALSE" };
    static const struct recipe *const with_leaf[] = { &root, &leaf, NULL };
    static const struct recipe *const only_root[] = { &root, NULL };
    static const struct {
        const char *why;
        const struct recipe *const *recipes;
        const char *text;
    } rows[] = {
        { "a client's certificate would vouch for itself", with_leaf, "" },
        { "nothing in it", NULL, "" },
        { "text without PEM", NULL, "these are our issuers\n" },
        { "a broken certificate behind a good one", only_root,
          "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
        { "cut in the middle", only_root, "-----BEGIN CERTIFICATE-----\nMIIC" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        char path[32];
        const char *const files[] = { path };

        print_message("  %s\n", rows[i].why);
        write_file(path, rows[i].recipes, rows[i].text);
        assert_null(eca_trust_anchors_open(files, 1, &err));
        assert_non_null(strstr(err.text, path));
        unlink(path);
    }
}

static void test_anchors_ending_before_names_only_those(void **state)
{
    const struct recipe *const trusted[] = { &root, &issuing_ended, NULL };
    struct eca_trust_anchors *anchors = open_anchors(trusted);
    struct eca_error err = { .text = "" };

    (void)state;
    assert_true(eca_trust_anchors_ending_before(anchors, NOW + 60 * DAY, &err));
    assert_non_null(strstr(err.text, "CN=Issuing"));
    assert_null(strstr(err.text, "CN=Root"));
    assert_false(eca_trust_anchors_ending_before(anchors, NOW - 150 * DAY, &err));
    eca_trust_anchors_close(anchors);
}

static int make_keys(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        keys[i] = i == KEY_WEAK ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_certificate_gives_its_fact),
        cmocka_unit_test(test_judge_policy_or_template_must_be_accepted),
        cmocka_unit_test(test_judge_signature_changed_is_untrusted),
        cmocka_unit_test(test_judge_long_chain_is_untrusted),
        cmocka_unit_test(test_anchors_open_unusable_file_is_refused),
        cmocka_unit_test(test_anchors_ending_before_names_only_those),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
