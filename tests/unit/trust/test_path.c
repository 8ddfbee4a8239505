/* SPDX-License-Identifier: Apache-2.0 */
/* The trust stage over certificates made at run time: paths, purposes and dates. */
#include "make_path.h"

#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
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
    { "nor can one that is an anchor itself", { "alice", "Issuing", KEY_LEAF, KEY_ISSUING },
      { &root, &issuing_for_mail }, { NULL }, NULL, ECA_CERTIFICATE_PURPOSE },
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
        struct eca_trust_anchors *anchors = make_path_anchors(row->anchors);
        STACK_OF(X509) *chain = make_path_chain(row->sent);
        struct eca_error err = { .text = "" };
        X509 *leaf = make_path_certificate(&row->leaf);

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
    struct eca_trust_anchors *anchors = make_path_anchors(trusted);
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
        question.leaf = leaf = make_path_certificate(&recipe);
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
    struct eca_trust_anchors *anchors = make_path_anchors(trusted);
    struct eca_purposes purposes = read_purposes(NULL);
    struct eca_error err = { .text = "" };
    X509 *signed_one = make_path_certificate(&recipe), *changed = NULL;
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
    struct eca_trust_anchors *anchors = make_path_anchors(trusted);
    struct eca_purposes purposes = read_purposes(NULL);
    struct eca_error err = { .text = "" };
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *leaf = make_path_certificate(&recipe);

    (void)state;
    for (int i = 0; i <= ECA_CHAIN_MAX; i++)
        sk_X509_push(chain, make_path_certificate(&strange));
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
        make_path_file(path, rows[i].recipes, rows[i].text);
        assert_null(eca_trust_anchors_open(files, 1, &err));
        assert_non_null(strstr(err.text, path));
        unlink(path);
    }
}

static void test_anchors_ending_before_names_only_those(void **state)
{
    const struct recipe *const trusted[] = { &root, &issuing_ended, NULL };
    struct eca_trust_anchors *anchors = make_path_anchors(trusted);
    struct eca_error err = { .text = "" };

    (void)state;
    assert_true(eca_trust_anchors_ending_before(anchors, NOW + 60 * DAY, &err));
    assert_non_null(strstr(err.text, "CN=Issuing"));
    assert_null(strstr(err.text, "CN=Root"));
    assert_false(eca_trust_anchors_ending_before(anchors, NOW - 150 * DAY, &err));
    eca_trust_anchors_close(anchors);
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
    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
