/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to a search, through a socket, libldap and the judgement of each entry. An input that begins as an
 * LDAPMessage does (0x30) is what the server sends, byte for byte. Any other is a list of values (entry_input.h) that
 * is put into entries here, so that their content is reached without good luck in BER.
 */
#include "ldap_clock.h"
#include "ldap_connection.h"
#include "ldap_message.h"
#include "ldap_principal.h"
#include "utf8.h"

#include "entry_input.h"
#include "fuzz.h"

#include <apr_time.h>
#include <dlfcn.h>
#include <openldap.h>
#include <openssl/sha.h>
#include <sanitizer/lsan_interface.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX 65536 /* what a socket takes without anybody reading */
#define DOMAIN "example.test"
#define SPN "HTTP/exch.example.test"

/* What is looked for; each is in the corpus as an entry's value, too. */
#define KEY(kind, value) { ECA_MAPPING_##kind, true, 0, { (const uint8_t *)(value), sizeof(value) - 1 } }
static struct eca_mapping_keys keys = {
    .keys = { KEY(SID, "\1\5\0\0\0\0\0\5\x15\0\0\0\x68\x4c\xe3\x1c\x20\xf7\x05\x52\x9c\x30\xc9\x5d\x4f\x04\0\0"),
              KEY(ISSUER_SERIAL, "X509:<I>DC=test,CN=\xc5\x81 CA<SR>0102"), KEY(UPN, "alice@" DOMAIN),
              KEY(EMAIL, "a@x"), KEY(CN, "alice"), KEY(CERTIFICATE, "0123456789abcdef0123456789abcdef") },
    .count = 6,
};

static void name_certificate(void)
{
    static uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *)"DER", 3, digest);
    keys.keys[5].value = (struct eca_slice){ digest, sizeof digest };
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* One attribute: all values in a row that name it. Gives what is behind them. */
static size_t put_attribute(BerElement *ber, const uint8_t *bytes, size_t at, size_t length)
{
    const size_t which = bytes[at] % ENTRY_INPUT_NAMES;

    ber_printf(ber, "{s[", entry_input_names[which]);
    while (at + 2 <= length && bytes[at] % ENTRY_INPUT_NAMES == which) {
        const size_t rest = length - at - 2;
        const size_t value = bytes[at + 1] < rest ? bytes[at + 1] : rest;

        ber_printf(ber, "o", (const char *)bytes + at + 2, (ber_len_t)value);
        at += 2 + value;
    }
    ber_printf(ber, "]}");
    return at;
}

/* One entry; gives what is behind it. */
static size_t put_entry(BerElement *ber, const uint8_t *bytes, size_t at, size_t length)
{
    char dn[256] = "";
    size_t size = 0;

    if (at + 2 <= length && bytes[at] % ENTRY_INPUT_NAMES == 1) {
        size = bytes[at + 1] < length - at - 2 ? bytes[at + 1] : length - at - 2;
        memcpy(dn, bytes + at + 2, size);
        at += 2 + size;
    }
    ber_printf(ber, "{it{o{", 1, (ber_tag_t)LDAP_RES_SEARCH_ENTRY, dn, (ber_len_t)size);
    while (at + 2 <= length && bytes[at] % ENTRY_INPUT_NAMES >= 2)
        at = put_attribute(ber, bytes, at, length);
    ber_printf(ber, "}}}");
    return at + 2 <= length && bytes[at] % ENTRY_INPUT_NAMES == 0 ? at + 2 : at;
}

static void send_list(int fd, const uint8_t *bytes, size_t length)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    struct berval stream = { 0, NULL };

    MUST(ber != NULL);
    for (size_t at = 0; at + 2 <= length;)
        at = put_entry(ber, bytes, at, length);
    ber_printf(ber, "{it{ess}}", 1, (ber_tag_t)LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, "", "");
    if (ber_flatten2(ber, &stream, 0) == 0 && stream.bv_len <= INPUT_MAX)
        MUST(write(fd, stream.bv_val, stream.bv_len) == (ssize_t)stream.bv_len);
    ber_free(ber, 1);
}

/*
 * In the place of libldap's: 2.5 forgets the request itself when it cannot decode the result, and no code of ours
 * could give it back. What the answer is made of is still counted.
 */
int ldap_search_ext(LDAP *ld, const char *base, int scope, const char *filter, char **attributes, int attributes_only,
                    LDAPControl **of_server, LDAPControl **of_client, struct timeval *timeout, int size_limit, int *id)
{
    __typeof__(&ldap_search_ext) search = (__typeof__(search))dlsym(RTLD_NEXT, "ldap_search_ext");
    int code;

    __lsan_disable();
    code = search(ld, base, scope, filter, attributes, attributes_only, of_server, of_client, timeout, size_limit, id);
    __lsan_enable();
    return code;
}

static enum eca_ldap_fault ask(struct eca_ldap_connection *connection, int server, const uint8_t *bytes, size_t length,
                               LDAPMessage **answer, struct eca_error *err)
{
    static const char *const attributes[] = { "*", NULL };
    const struct eca_ldap_query query = { "DC=example,DC=test", LDAP_SCOPE_SUBTREE, "(a=b)", attributes, 8 };
    bool truncated = false;

    if (length > 0 && bytes[0] == 0x30)
        MUST(write(server, bytes, length) == (ssize_t)length);
    else
        send_list(server, bytes, length);
    MUST(shutdown(server, SHUT_WR) == 0);
    return eca_ldap_connection_search(connection, &query, eca_ldap_clock() + apr_time_from_sec(5), answer, &truncated,
                                      err);
}

/* ---- what came of it ---------------------------------------------------------------------------- */

static void check_text(const char *text, size_t size)
{
    MUST(memchr(text, '\0', size) != NULL);
    MUST(eca_utf8_is_clean(eca_slice_from_text(text)));
}

static void check_account(const struct eca_account *account)
{
    char sid[ECA_SID_TEXT_MAX];

    check_text(account->dn, sizeof account->dn);
    check_text(account->sam_account_name, sizeof account->sam_account_name);
    check_text(account->upn, sizeof account->upn);
    check_text(account->mail, sizeof account->mail);
    check_text(account->domain, sizeof account->domain);
    check_text(account->attribute, sizeof account->attribute);
    MUST(account->sam_account_name[0] != '\0' && account->netbios[0] == '\0');
    MUST(memchr(account->sid, '\0', sizeof account->sid) != NULL);
    MUST(eca_sid_parse_text(sid, eca_slice_from_text(account->sid)) && strcmp(sid, account->sid) == 0);
}

/* A text without the case of ASCII letters, a SID exactly. */
static bool is_same(const struct eca_mapping_key *key, const char *other, size_t length)
{
    const char *const value = (const char *)key->value.bytes;

    if (key->value.length != length || key->kind == ECA_MAPPING_SID)
        return key->value.length == length && memcmp(value, other, length) == 0;
    return memchr(other, '\0', length) == NULL && strncasecmp(value, other, length) == 0;
}

/* Written again without the code under test: whether any value of the entry is that of the key. */
static bool is_in_entry(const struct eca_ldap_entry *entry, const struct eca_mapping_key *key)
{
    for (size_t i = 0; i < entry->count; i++) {
        struct berval *const *values = entry->attributes[i].values;

        if (strcasecmp(entry->attributes[i].name, eca_mapping_describe(key->kind)->attribute) != 0)
            continue;
        for (; values != NULL && *values != NULL; values++) {
            uint8_t digest[SHA256_DIGEST_LENGTH];

            SHA256((const uint8_t *)(*values)->bv_val, (*values)->bv_len, digest);
            if (key->kind == ECA_MAPPING_CERTIFICATE ? memcmp(digest, key->value.bytes, sizeof digest) == 0
                                                     : is_same(key, (*values)->bv_val, (*values)->bv_len))
                return true;
        }
    }
    return false;
}

static void check_match(uint64_t matched, const struct eca_ldap_entry *entry, const struct eca_account *account)
{
    const uint64_t certificate = (uint64_t)1 << 5, names_of_people = (uint64_t)7 << 2;
    const bool implied = strcmp(account->domain, DOMAIN) == 0 && strcasecmp(account->sam_account_name, "alice") == 0;

    MUST(matched >> keys.count == 0);
    for (size_t i = 0; i < keys.count; i++)
        MUST((matched >> i & 1) == 0 || is_in_entry(entry, &keys.keys[i])
             || (keys.keys[i].kind == ECA_MAPPING_UPN && implied));
    MUST((matched & certificate) == 0 || (matched & names_of_people) != 0);
}

static void check_entry(const struct eca_ldap_entry *entry)
{
    static struct eca_account account, untouched;
    struct eca_error err = { .text = "" };
    uint64_t matched = 0;

    memset(&untouched, 0xa5, sizeof untouched);
    account = untouched;
    if (!eca_ldap_entry_account(&account, entry, ENTRY_INPUT_EXTRA, &err)) {
        MUST(err.text[0] != '\0' && memcmp(&account, &untouched, sizeof account) == 0);
        return;
    }
    check_account(&account);
    if (eca_ldap_entry_match(&matched, entry, &account, &keys, &err))
        check_match(matched, entry, &account);
    else
        MUST(err.text[0] != '\0');
}

/* Of an answer with this entry alone. */
static void check_principal(const struct eca_ldap_entry *entry, const struct eca_principal_query *query)
{
    static struct eca_ldap_principal_tally tally;
    static struct eca_principal found;
    struct eca_error err = { .text = "" };

    tally = (struct eca_ldap_principal_tally){ .query = query };
    if (!eca_ldap_principal_add(&tally, entry, &err)) {
        MUST(err.text[0] != '\0');
        return;
    }
    eca_ldap_principal_conclude(&found, &tally);
    MUST(err.text[0] == '\0' && tally.exact + tally.aliased <= 1);
    MUST(found.state == (tally.exact + tally.aliased == 1 ? ECA_PRINCIPAL_FOUND : ECA_PRINCIPAL_MISSING));
    if (found.state != ECA_PRINCIPAL_FOUND)
        return;
    check_account(&found.account);
    MUST(found.delegates_to_any || !found.delegates_to_target);
    MUST(query->by == ECA_PRINCIPAL_BY_SPN ? found.has_spn : strcasecmp(found.account.sam_account_name, "alice") == 0);
}

static void check_answer(LDAP *ld, LDAPMessage *answer)
{
    for (LDAPMessage *message = ldap_first_entry(ld, answer); message != NULL; message = ldap_next_entry(ld, message)) {
        struct eca_error err = { .text = "" };
        struct eca_ldap_message read;

        if (!eca_ldap_message_open(&read, ld, message, &err)) {
            MUST(err.text[0] != '\0' && read.entry.count == 0 && read.dn == NULL);
            continue;
        }
        MUST(read.entry.count <= ECA_LDAP_ENTRY_ATTRIBUTES_MAX);
        check_entry(&read.entry);
        check_principal(&read.entry, &(struct eca_principal_query){ ECA_PRINCIPAL_BY_SPN, SPN, DOMAIN, SPN });
        check_principal(&read.entry, &(struct eca_principal_query){ ECA_PRINCIPAL_BY_NAME, "alice", DOMAIN, SPN });
        eca_ldap_message_close(&read);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    ber_len_t limit = INPUT_MAX;
    struct eca_ldap_connection *connection;
    struct eca_error err = { .text = "" };
    LDAPMessage *answer = NULL;
    Sockbuf *buffer = NULL;
    int ends[2];

    if (length > INPUT_MAX)
        return 0;
    name_certificate();
    connection = calloc(1, sizeof *connection);
    MUST(connection != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    memcpy(connection->url, "ldap://dc1", sizeof "ldap://dc1");
    connection->fd = ends[0];
    MUST(ldap_init_fd(ends[0], LDAP_PROTO_TCP, connection->url, &connection->ld) == LDAP_SUCCESS);
    MUST(ldap_get_option(connection->ld, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS);
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &limit);
    MUST(ldap_set_option(connection->ld, LDAP_OPT_PROTOCOL_VERSION, &(int){ LDAP_VERSION3 }) == LDAP_OPT_SUCCESS);
    if (ask(connection, ends[1], bytes, length, &answer, &err) == ECA_LDAP_OK) {
        check_answer(connection->ld, answer);
        ldap_msgfree(answer);
    } else {
        MUST(err.text[0] != '\0' && answer == NULL);
    }
    eca_ldap_connection_close(connection); /* takes its leave of the other end, which must be there still */
    close(ends[1]);
    return 0;
}
