/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that RFC 5280 does not allow, or that nobody should rely on, in the manner of x509-limbo; beside them good ones
 * that differ in one thing alone.
 */
#include "make_path.h"

#include "rows.h"

#include <openssl/x509v3.h>
#include <string.h>

#define UPN_TYPE "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:"
#define ISSUING "Issuing", "Root", KEY_ISSUING, KEY_ROOT
#define ALICE "alice", "Issuing", KEY_LEAF, KEY_ISSUING

static const struct recipe root = { "Root", "Root", KEY_ROOT, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing = { ISSUING, CA_EXTENSIONS };
static const struct recipe alice = { ALICE };

/* ---- what is done to a certificate ------------------------------------------------------------------------- */

static void make_version_1(X509 *certificate)
{
    while (X509_get_ext_count(certificate) > 0)
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    X509_set_version(certificate, X509_VERSION_1);
}

static void add(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void add_raw(X509 *certificate, int nid, const char *content, int length)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;

    ASN1_OCTET_STRING_set(value, (const unsigned char *)content, length);
    extension = X509_EXTENSION_create_by_NID(NULL, nid, 0, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

static void add_netscape_ca(X509 *certificate)
{
    add(certificate, NID_netscape_cert_type, "sslCA");
}

static void repeat_basic_constraints(X509 *certificate)
{
    add(certificate, NID_basic_constraints, "critical,CA:TRUE");
}

static void name_another_key(X509 *certificate)
{
    add_raw(certificate, NID_authority_key_identifier, "\x30\x06\x80\x04" "abcd", 8);
}

static void name_own_key(X509 *certificate)
{
    add_raw(certificate, NID_subject_key_identifier, "\x04\x04" "efgh", 6);
}

static void name_that_key(X509 *certificate)
{
    add_raw(certificate, NID_subject_key_identifier, "\x04\x04" "abcd", 6);
}

static void name_own_and_issuers_key(X509 *certificate)
{
    name_own_key(certificate);
    name_another_key(certificate);
}

static void require_policy(X509 *certificate)
{
    add(certificate, NID_policy_constraints, "critical,requireExplicitPolicy:0");
}

static void break_name_constraints(X509 *certificate)
{
    add_raw(certificate, NID_name_constraints, "\x30\x03\x02", 3);
}

static void break_extended_key_usage(X509 *certificate)
{
    add_raw(certificate, NID_ext_key_usage, "\x30\x03\x02", 3);
}

static void break_key_usage(X509 *certificate)
{
    add_raw(certificate, NID_key_usage, "\x30\x03\x02", 3);
}

static void break_basic_constraints(X509 *certificate)
{
    add_raw(certificate, NID_basic_constraints, "\x30\x03\x02", 3);
}

static void constrain_directory_name(X509 *certificate, bool permitted, const char *common_name)
{
    NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
    STACK_OF(GENERAL_SUBTREE) *subtrees = sk_GENERAL_SUBTREE_new_null();
    X509_NAME *name = X509_NAME_new();

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
    GENERAL_NAME_set0_value(subtree->base, GEN_DIRNAME, name);
    sk_GENERAL_SUBTREE_push(subtrees, subtree);
    *(permitted ? &constraints->permittedSubtrees : &constraints->excludedSubtrees) = subtrees;
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_name_constraints, constraints, 1, 0), 1);
    NAME_CONSTRAINTS_free(constraints);
}

static void permit_bob(X509 *certificate)
{
    constrain_directory_name(certificate, true, "bob");
}

static void permit_alice(X509 *certificate)
{
    constrain_directory_name(certificate, true, "alice");
}

static void exclude_alice(X509 *certificate)
{
    constrain_directory_name(certificate, false, "alice");
}

static void add_email_to_subject(X509 *certificate)
{
    X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_pkcs9_emailAddress, MBSTRING_ASC,
                               (const unsigned char *)"alice@elsewhere.test", -1, -1, 0);
}

/* The algorithm outside says SHA-384, the signed one SHA-256. */
static void change_outer_algorithm(X509 *certificate)
{
    const X509_ALGOR *algorithm = NULL;

    X509_get0_signature(NULL, &algorithm, certificate);
    X509_ALGOR_set0((X509_ALGOR *)algorithm, OBJ_nid2obj(NID_ecdsa_with_SHA384), V_ASN1_UNDEF, NULL);
}

/* ---- the table ------------------------------------------------------------------------------------------- */

struct hostile_row {
    const char *why;
    struct recipe leaf, issuing;
    enum eca_certificate_fact fact;
};

#define GOOD ECA_CERTIFICATE_GOOD
#define UNTRUSTED ECA_CERTIFICATE_UNTRUSTED
#define PURPOSE ECA_CERTIFICATE_PURPOSE

static const struct hostile_row rows[] = {
    { "as it should be", { ALICE }, { ISSUING, CA_EXTENSIONS }, GOOD },
    { "an issuer without any extension", { ALICE }, { ISSUING }, UNTRUSTED },
    { "an issuer that may sign certificates but does not say it is a CA", { ALICE },
      { ISSUING, .key_usage = "critical,keyCertSign" }, UNTRUSTED },
    { "an issuer by Netscape's extension alone", { ALICE }, { ISSUING, .change = add_netscape_ca }, UNTRUSTED },
    { "an issuer of version 1", { ALICE }, { ISSUING, .change = make_version_1 }, UNTRUSTED },
    { "another client's certificate as issuer", { ALICE }, { ISSUING, "CA:FALSE", "digitalSignature" }, UNTRUSTED },
    { "a CA that may sign CRLs only", { ALICE }, { ISSUING, "critical,CA:TRUE", "critical,cRLSign" }, UNTRUSTED },
    { "no CA, but with a path length", { ALICE }, { ISSUING, "critical,CA:FALSE,pathlen:3" }, UNTRUSTED },
    { "a path length below zero", { ALICE }, { ISSUING, "critical,CA:TRUE,pathlen:-1" }, UNTRUSTED },
    { "a path length of zero allows clients", { ALICE }, { ISSUING, "critical,CA:TRUE,pathlen:0" }, GOOD },
    { "basicConstraints twice", { ALICE }, { ISSUING, CA_EXTENSIONS, .change = repeat_basic_constraints }, UNTRUSTED },
    { "basicConstraints that cannot be read", { ALICE }, { ISSUING, .change = break_basic_constraints }, UNTRUSTED },
    { "a critical extension nobody knows, in the issuer", { ALICE },
      { ISSUING, CA_EXTENSIONS, .critical_oid = "1.3.6.1.4.1.99999.1" }, UNTRUSTED },
    { "the key identifier is another CA's", { ALICE, .change = name_another_key },
      { ISSUING, CA_EXTENSIONS, .change = name_own_key }, UNTRUSTED },
    { "an algorithm outside that is not the signed one", { ALICE, .damage = change_outer_algorithm },
      { ISSUING, CA_EXTENSIONS }, UNTRUSTED },
    { "the same of its issuer", { ALICE }, { ISSUING, CA_EXTENSIONS, .damage = change_outer_algorithm }, UNTRUSTED },
    { "an issuer signed with SHA-1", { ALICE }, { ISSUING, CA_EXTENSIONS, .sha1 = true }, UNTRUSTED },
    { "RSA and SHA-256 as they should be", { "alice", "Issuing", KEY_RSA, KEY_RSA },
      { "Issuing", "Root", KEY_RSA, KEY_ROOT, CA_EXTENSIONS }, GOOD },
    { "signed with MD5", { "alice", "Issuing", KEY_LEAF, KEY_RSA, .md5 = true },
      { "Issuing", "Root", KEY_RSA, KEY_ROOT, CA_EXTENSIONS }, UNTRUSTED },
    { "an issuer's key of 1024 bits", { "alice", "Issuing", KEY_LEAF, KEY_WEAK },
      { "Issuing", "Root", KEY_WEAK, KEY_ROOT, CA_EXTENSIONS }, UNTRUSTED },
    { "a key of 512 bits", { "alice", "Issuing", KEY_TINY, KEY_ISSUING }, { ISSUING, CA_EXTENSIONS }, UNTRUSTED },
    { "an issuer that has ended", { ALICE }, { ISSUING, CA_EXTENSIONS, .begins = -9, .ends = -1 }, UNTRUSTED },
    { "an issuer that has not begun", { ALICE }, { ISSUING, CA_EXTENSIONS, .begins = 1, .ends = 9 }, UNTRUSTED },
    { "an issuer for servers", { ALICE }, { ISSUING, CA_EXTENSIONS, .extended_key_usage = "serverAuth" }, PURPOSE },
    { "an issuer for clients too", { ALICE },
      { ISSUING, CA_EXTENSIONS, .extended_key_usage = "serverAuth,clientAuth" }, GOOD },
    { "an extended key usage that cannot be read is not none", { ALICE, .change = break_extended_key_usage },
      { ISSUING, CA_EXTENSIONS }, UNTRUSTED },
    { "a key usage that cannot be read is not none", { ALICE, .change = break_key_usage }, { ISSUING, CA_EXTENSIONS },
      UNTRUSTED },
    { "a CA's own certificate is no client's", { ALICE, CA_EXTENSIONS }, { ISSUING, CA_EXTENSIONS }, PURPOSE },
    { "the same, with a signature's usage", { ALICE, "critical,CA:TRUE", "digitalSignature,keyCertSign" },
      { ISSUING, CA_EXTENSIONS }, PURPOSE },
    { "an issuer without a name", { "alice", "", KEY_LEAF, KEY_ISSUING },
      { "", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS }, UNTRUSTED },
    { "a policy is required and there is none (OpenSSL ignores that unless told)", { ALICE },
      { ISSUING, CA_EXTENSIONS, .change = require_policy }, UNTRUSTED },
    { "a policy is required, and the issuer may not use the client's", { ALICE, .policies = "1.2.3.4" },
      { ISSUING, CA_EXTENSIONS, .policies = "1.2.3.5", .change = require_policy }, UNTRUSTED },
    { "a policy is required, and both have it", { ALICE, .policies = "1.2.3.4" },
      { ISSUING, CA_EXTENSIONS, .policies = "1.2.3.4", .change = require_policy }, GOOD },
    { "name constraints that cannot be read", { ALICE },
      { ISSUING, CA_EXTENSIONS, .change = break_name_constraints }, UNTRUSTED },
    { "a host name that is permitted", { ALICE, .alternative_names = "DNS:phone.example.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;DNS:example.test" }, GOOD },
    { "a host name that is not", { ALICE, .alternative_names = "DNS:phone.elsewhere.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;DNS:example.test" }, UNTRUSTED },
    { "constraints count without being critical", { ALICE, .alternative_names = "DNS:phone.elsewhere.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "permitted;DNS:example.test" }, UNTRUSTED },
    { "a host name that is excluded", { ALICE, .alternative_names = "DNS:phone.example.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,excluded;DNS:example.test" }, UNTRUSTED },
    { "a mail address that is permitted", { ALICE, .alternative_names = "email:alice@example.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;email:example.test" }, GOOD },
    { "a mail address that is not", { ALICE, .alternative_names = "email:alice@elsewhere.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;email:example.test" }, UNTRUSTED },
    { "a mail address in the subject that is not", { ALICE, .change = add_email_to_subject },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;email:example.test" }, UNTRUSTED },
    { "an address that is excluded", { ALICE, .alternative_names = "IP:192.0.2.7" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,excluded;IP:192.0.2.0/255.255.255.0" }, UNTRUSTED },
    { "a URI that is not permitted", { ALICE, .alternative_names = "URI:https://phone.elsewhere.test/" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;URI:.example.test" }, UNTRUSTED },
    { "a UPN where UPNs are constrained: what cannot be compared is not permitted",
      { ALICE, .alternative_names = UPN_TYPE "alice@example.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,permitted;" UPN_TYPE "@example.test" }, UNTRUSTED },
    { "a UPN where UPNs are excluded", { ALICE, .alternative_names = UPN_TYPE "alice@example.test" },
      { ISSUING, CA_EXTENSIONS, .name_constraints = "critical,excluded;" UPN_TYPE "@elsewhere.test" }, UNTRUSTED },
    { "a subject that is permitted", { ALICE }, { ISSUING, CA_EXTENSIONS, .change = permit_alice }, GOOD },
    { "a subject that is not", { ALICE }, { ISSUING, CA_EXTENSIONS, .change = permit_bob }, UNTRUSTED },
    { "a subject that is excluded", { ALICE }, { ISSUING, CA_EXTENSIONS, .change = exclude_alice }, UNTRUSTED },
};

static enum eca_certificate_fact judge(const struct recipe *leaf, const struct recipe *const *sent,
                                       const struct recipe *const *trusted, struct eca_error *err)
{
    struct eca_purposes purposes = { .accepted = { OBJ_nid2obj(NID_client_auth) }, .count = 1 };
    struct eca_trust_anchors *anchors = make_path_anchors(trusted);
    struct eca_path_question question = { .purposes = &purposes, .now = NOW };
    enum eca_certificate_fact fact;

    question.chain = make_path_chain(sent);
    question.leaf = make_path_certificate(leaf);
    fact = eca_path_judge(anchors, &question, NULL, err);
    assert_int_equal(err->text[0] == '\0', fact == GOOD);
    X509_free(question.leaf);
    sk_X509_pop_free(question.chain, X509_free);
    eca_trust_anchors_close(anchors);
    return fact;
}

static void test_judge_hostile_certificate_is_refused(void **state)
{
    const struct recipe *const trusted[] = { &root, NULL };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct recipe *const sent[] = { &rows[i].issuing, NULL };
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_int_equal(judge(&rows[i].leaf, sent, trusted, &err), rows[i].fact);
    }
}

static void test_judge_hostile_chain_is_refused(void **state)
{
    static const struct recipe
        other_root = { "Other", "Other", KEY_STRANGE, KEY_STRANGE, CA_EXTENSIONS },
        issuing_by_other = { "Issuing", "Other", KEY_ISSUING, KEY_STRANGE, CA_EXTENSIONS },
        other_by_issuing = { "Other", "Issuing", KEY_STRANGE, KEY_ISSUING, CA_EXTENSIONS },
        other_by_root = { "Other", "Root", KEY_STRANGE, KEY_ROOT, CA_EXTENSIONS },
        no_depth = { ISSUING, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", .change = name_that_key },
        itself = { "Issuing", "Issuing", KEY_ISSUING, KEY_ISSUING, CA_EXTENSIONS },
        renewed = { "Issuing", "Issuing", KEY_STRANGE, KEY_ISSUING, CA_EXTENSIONS, .change = name_own_and_issuers_key },
        by_renewed = { "alice", "Issuing", KEY_LEAF, KEY_STRANGE },
        below = { "Below", "Issuing", KEY_STRANGE, KEY_ISSUING, CA_EXTENSIONS },
        by_below = { "alice", "Below", KEY_LEAF, KEY_STRANGE },
        by_other = { "alice", "Other", KEY_LEAF, KEY_STRANGE },
        issuing_as_client = { ISSUING, "critical,CA:TRUE", "digitalSignature,keyCertSign" };
    static const struct {
        const char *why;
        const struct recipe *leaf, *sent[4], *trusted[3];
        enum eca_certificate_fact fact;
    } chains[] = {
        { "cross-signed, by way of the other root", &alice, { &issuing, &issuing_by_other }, { &other_root }, GOOD },
        { "cross-signed, by way of ours", &alice, { &issuing_by_other, &issuing }, { &root }, GOOD },
        { "two roots, one signed by the other", &by_other, { &other_root, &other_by_root }, { &root }, GOOD },
        { "two CAs that sign each other", &alice, { &issuing_by_other, &other_by_issuing }, { &root }, UNTRUSTED },
        { "an issuer that signs itself", &alice, { &itself }, { &root }, UNTRUSTED },
        { "deeper than the issuer's path length", &by_below, { &below, &no_depth }, { &root }, UNTRUSTED },
        { "the same with depth", &by_below, { &below, &issuing }, { &root }, GOOD },
        { "a CA that renewed its key is no deeper", &by_renewed, { &renewed, &no_depth }, { &root }, GOOD },
        { "the anchor's own certificate as the client's", &issuing_as_client, { NULL }, { &root, &issuing_as_client },
          PURPOSE },
        { "and where its issuer is not known", &issuing_as_client, { NULL }, { &issuing_as_client }, UNTRUSTED },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(chains); i++) {
        struct eca_error err = { .text = "" };

        SAY_WHY(&chains[i]);
        assert_int_equal(judge(chains[i].leaf, chains[i].sent, chains[i].trusted, &err), chains[i].fact);
    }
}

/* Issuers A to I between; each has the same key, which is nobody's concern but theirs. */
static void test_judge_path_of_nine_issuers_is_too_long(void **state)
{
    static const char names[] = "A\0B\0C\0D\0E\0F\0G\0H\0I";
    const struct recipe *const trusted[] = { &root, NULL };
    struct recipe made[9];
    (void)state;

    for (int count = 8; count <= 9; count++) {
        const struct recipe *sent[10] = { NULL };
        const struct recipe leaf = { "alice", names + 2 * (count - 1), KEY_LEAF, KEY_ISSUING };
        struct eca_error err = { .text = "" };

        for (int i = 0; i < count; i++) {
            made[i] = (struct recipe){ names + 2 * i, i == 0 ? "Root" : names + 2 * (i - 1), KEY_ISSUING,
                                       i == 0 ? KEY_ROOT : KEY_ISSUING, CA_EXTENSIONS };
            sent[i] = &made[i];
        }
        assert_int_equal(judge(&leaf, sent, trusted, &err), count == 8 ? GOOD : UNTRUSTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_hostile_certificate_is_refused),
        cmocka_unit_test(test_judge_hostile_chain_is_refused),
        cmocka_unit_test(test_judge_path_of_nine_issuers_is_too_long),
    };

    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
