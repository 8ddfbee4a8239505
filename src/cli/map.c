/* SPDX-License-Identifier: Apache-2.0 */
/* Printing: one function for each form. */
#include "map.h"

#include "certificate_file.h"
#include "distinguished_name.h"
#include "escape.h"
#include "ldap_filter.h"
#include "mapping.h"
#include "powershell.h"
#include "utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 4096

/* One certificate, read and with every key it yields. */
struct subject {
    const char *file;
    struct eca_certificate certificate;
    struct eca_mapping_keys keys;
    struct eca_error malformed; /* "" when it is not */
    bool opened;
    bool looked_up;
    struct eca_finding_shown found;
};

/* Every kind there is: the command shows what could be configured. */
static struct eca_mapping_policy every_kind(void)
{
    struct eca_mapping_policy policy = { .count = 0 };

    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++)
        (void)eca_mapping_policy_add(&policy, (enum eca_mapping_kind)kind);
    return policy;
}

static void examine(struct subject *subject, X509 *x509)
{
    const struct eca_mapping_policy policy = every_kind();

    subject->opened = eca_certificate_open(&subject->certificate, x509, &subject->malformed);
    subject->keys.count = 0;
    if (subject->opened)
        (void)eca_mapping_keys_build(&subject->keys, &subject->certificate, &policy, &subject->malformed);
}

/* Which of the keys that were looked up is this one; its bit in `matched`, or 0 when it was not looked up. */
static uint64_t bit_of(const struct eca_finding_shown *found, const struct eca_mapping_key *key)
{
    for (size_t i = 0; i < found->keys.count; i++) {
        const struct eca_mapping_key *other = &found->keys.keys[i];

        if (other->kind == key->kind && other->value.length == key->value.length
            && memcmp(other->value.bytes, key->value.bytes, key->value.length) == 0)
            return (uint64_t)1 << i;
    }
    return 0;
}

/* A name as Windows writes it, or for people where Windows has no such string. */
static void write_name(struct eca_strbuf *out, const X509_NAME *name)
{
    char shown[SHOWN_MAX];

    if (eca_distinguished_name_write(out, name))
        return;
    eca_distinguished_name_show(shown, sizeof shown, name);
    eca_strbuf_init(out, out->text, out->capacity);
    eca_strbuf_text(out, shown);
}

/* A SID as text, a digest in hexadecimal, everything else as it is. */
static void write_value(struct eca_strbuf *out, const struct eca_mapping_key *key)
{
    char sid[ECA_SID_TEXT_MAX];

    if (key->kind == ECA_MAPPING_CERTIFICATE)
        eca_strbuf_hex(out, key->value);
    else if ((key->kind == ECA_MAPPING_SID || key->kind == ECA_MAPPING_SID_URI) && eca_sid_to_text(sid, key->value))
        eca_strbuf_text(out, sid);
    else
        eca_strbuf_append(out, key->value.bytes, key->value.length);
}

/* Text as it is when it is UTF-8, NULs included; else escaped. */
static json_t *json_of(struct eca_slice text)
{
    char memory[4 * SHOWN_MAX];
    struct eca_strbuf escaped;

    if (eca_utf8_is_valid(text))
        return json_stringn((const char *)text.bytes, text.length);
    eca_strbuf_init(&escaped, memory, sizeof memory);
    eca_escape_text(&escaped, text, sizeof memory - 1);
    return json_stringn(escaped.text, escaped.length);
}

static json_t *json_of_buffer(const struct eca_strbuf *text)
{
    return json_of((struct eca_slice){ (const uint8_t *)text->text, text->length });
}

static json_t *json_of_hex(struct eca_slice bytes)
{
    char memory[2 * SHOWN_MAX];
    struct eca_strbuf hex;

    eca_strbuf_init(&hex, memory, sizeof memory);
    eca_strbuf_hex(&hex, bytes);
    return json_of_buffer(&hex);
}

static json_t *json_of_name(const X509_NAME *name)
{
    char memory[SHOWN_MAX];
    struct eca_strbuf text;

    eca_strbuf_init(&text, memory, sizeof memory);
    write_name(&text, name);
    return json_of_buffer(&text);
}

static json_t *json_of_slices(const struct eca_slice *slices, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_of(slices[i]));
    return list;
}

static json_t *json_of_key(const struct eca_mapping_key *key)
{
    const struct eca_mapping_kind_row *row = eca_mapping_describe(key->kind);
    char value_memory[ECA_MAPPING_VALUE_MAX], filter_memory[4 * ECA_MAPPING_VALUE_MAX];
    struct eca_strbuf value, filter;

    eca_strbuf_init(&value, value_memory, sizeof value_memory);
    write_value(&value, key);
    eca_strbuf_init(&filter, filter_memory, sizeof filter_memory);
    if (row->searched)
        eca_ldap_filter_equal(&filter, row->attribute, key->value);
    return json_pack("{s:s, s:s, s:o, s:o}", "kind", row->name, "strength", row->strong ? "strong" : "weak", "value",
                     json_of_buffer(&value), "filter", row->searched ? json_of_buffer(&filter) : json_null());
}

static json_t *json_of_text(const char *text)
{
    return text[0] == '\0' ? json_null() : json_of(eca_slice_from_text(text));
}

static void add_content(json_t *object, const struct eca_certificate *certificate)
{
    const struct eca_slice digest = { certificate->sha256, sizeof certificate->sha256 };

    (void)json_object_set_new(object, "sha256", json_of_hex(digest));
    (void)json_object_set_new(object, "subject", json_of_name(X509_get_subject_name(certificate->x509)));
    (void)json_object_set_new(object, "issuer", json_of_name(X509_get_issuer_name(certificate->x509)));
    (void)json_object_set_new(object, "serial", json_of_hex(certificate->serial));
    (void)json_object_set_new(object, "upn", json_of_slices(certificate->upns, certificate->upn_count));
    (void)json_object_set_new(object, "email", json_of_slices(certificate->emails, certificate->email_count));
    (void)json_object_set_new(object, "sid", json_of_text(certificate->sid));
    (void)json_object_set_new(object, "sid_uri", json_of_text(certificate->sid_uri));
}

/* The DNs of the accounts that a key found; null when nobody asked. */
static json_t *json_of_accounts(const struct subject *subject, const struct eca_mapping_key *key)
{
    const uint64_t bit = bit_of(&subject->found, key);
    json_t *list = NULL;

    if (!subject->found.asked || bit == 0)
        return json_null();
    list = json_array();
    for (size_t i = 0; i < subject->found.candidates.count; i++) {
        if ((subject->found.candidates.items[i].matched & bit) != 0)
            (void)json_array_append_new(list,
                                        json_of(eca_slice_from_text(subject->found.candidates.items[i].account.dn)));
    }
    return list;
}

static json_t *json_of_decision(const struct eca_finding_shown *found)
{
    const struct eca_reason_row *row = eca_reason_describe(found->reason);

    return json_pack("{s:s, s:i, s:o, s:o, s:o}", "reason", row->name, "status", row->status, "mapping",
                     found->mapped ? json_string(eca_mapping_describe(found->kind)->name) : json_null(), "account",
                     json_of_text(found->account == NULL ? "" : found->account->dn), "detail",
                     json_of_text(found->detail.text));
}

static void print_json(const struct subject *subject)
{
    json_t *object = json_object(), *keys = json_array();

    (void)json_object_set_new(object, "file", json_of(eca_slice_from_text(subject->file)));
    if (subject->opened)
        add_content(object, &subject->certificate);
    else
        (void)json_object_update_new(object,
                                     json_pack("{s:n, s:n, s:n, s:n, s:[], s:[], s:n, s:n}", "sha256", "subject",
                                               "issuer", "serial", "upn", "email", "sid", "sid_uri"));
    (void)json_object_set_new(object, "malformed", json_of_text(subject->malformed.text));
    for (size_t i = 0; i < subject->keys.count; i++)
        (void)json_array_append_new(keys, json_of_key(&subject->keys.keys[i]));
    for (size_t i = 0; subject->looked_up && i < subject->keys.count; i++)
        (void)json_object_set_new(json_array_get(keys, i), "accounts",
                                  json_of_accounts(subject, &subject->keys.keys[i]));
    (void)json_object_set_new(object, "keys", keys);
    if (subject->looked_up)
        (void)json_object_set_new(object, "decision", json_of_decision(&subject->found));
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(object);
}

static void print_line(const char *name, struct eca_slice value)
{
    char memory[4 * SHOWN_MAX];
    struct eca_strbuf escaped;

    eca_strbuf_init(&escaped, memory, sizeof memory);
    eca_escape_text(&escaped, value, sizeof memory - 1);
    (void)printf("  %-15s %s\n", name, escaped.text);
}

static void print_buffer(const char *name, const struct eca_strbuf *text)
{
    print_line(name, (struct eca_slice){ (const uint8_t *)text->text, text->length });
}

static void print_name(const char *label, const X509_NAME *name)
{
    char memory[SHOWN_MAX];
    struct eca_strbuf text;

    eca_strbuf_init(&text, memory, sizeof memory);
    write_name(&text, name);
    print_buffer(label, &text);
}

static void print_content(const struct eca_certificate *certificate)
{
    char memory[SHOWN_MAX];
    struct eca_strbuf serial;

    print_name("subject", X509_get_subject_name(certificate->x509));
    print_name("issuer", X509_get_issuer_name(certificate->x509));
    eca_strbuf_init(&serial, memory, sizeof memory);
    eca_strbuf_hex(&serial, certificate->serial);
    print_buffer("serial", &serial);
}

static void print_accounts(const struct subject *subject, const struct eca_mapping_key *key)
{
    const uint64_t bit = bit_of(&subject->found, key);

    for (size_t i = 0; i < subject->found.candidates.count; i++) {
        if ((subject->found.candidates.items[i].matched & bit) != 0)
            print_line("  finds", eca_slice_from_text(subject->found.candidates.items[i].account.dn));
    }
}

static void print_decision(const struct eca_finding_shown *found)
{
    const struct eca_reason_row *row = eca_reason_describe(found->reason);

    print_line("decision", eca_slice_from_text(row->name));
    if (found->account != NULL)
        print_line("account", eca_slice_from_text(found->account->dn));
    if (found->mapped)
        print_line("mapping", eca_slice_from_text(eca_mapping_describe(found->kind)->name));
    if (found->detail.text[0] != '\0')
        print_line("detail", eca_slice_from_text(found->detail.text));
}

static void print_text(const struct subject *subject)
{
    char memory[ECA_MAPPING_VALUE_MAX];
    struct eca_strbuf value;

    print_line("file", eca_slice_from_text(subject->file));
    if (subject->opened)
        print_content(&subject->certificate);
    if (subject->malformed.text[0] != '\0')
        print_line("malformed", eca_slice_from_text(subject->malformed.text));
    for (size_t i = 0; i < subject->keys.count; i++) {
        const struct eca_mapping_kind_row *row = eca_mapping_describe(subject->keys.keys[i].kind);
        char label[64];

        (void)snprintf(label, sizeof label, "%s%s", row->name, row->strong ? "" : " (weak)");
        eca_strbuf_init(&value, memory, sizeof memory);
        write_value(&value, &subject->keys.keys[i]);
        print_buffer(label, &value);
        print_accounts(subject, &subject->keys.keys[i]);
    }
    if (subject->looked_up)
        print_decision(&subject->found);
    (void)putchar('\n');
}

static bool print(const struct eca_map_request *request, const struct subject *subject)
{
    switch (request->form) {
    case ECA_MAP_JSON:
        print_json(subject);
        break;
    case ECA_MAP_TEXT:
        print_text(subject);
        break;
    case ECA_MAP_POWERSHELL:
        return eca_powershell_print(subject->file, subject->keys.count == 0 ? "" : subject->keys.strong_value,
                                    request->identity);
    }
    return true;
}

static enum eca_exit map_file(const struct eca_map_request *request, const char *file, struct subject *subject)
{
    struct eca_error err = { .text = "" };
    STACK_OF(X509) *list = eca_certificate_file_read(file, &err);
    enum eca_exit result = ECA_EXIT_READ;

    if (list == NULL) {
        (void)fprintf(stderr, "eas-certauth: %s\n", err.text);
        return ECA_EXIT_USAGE;
    }
    for (int i = 0; i < sk_X509_num(list); i++) {
        memset(subject, 0, sizeof *subject);
        subject->file = file;
        examine(subject, sk_X509_value(list, i));
        subject->looked_up = request->look_up != NULL && subject->opened;
        if (subject->looked_up)
            eca_look_up_run(request->look_up, &subject->certificate, list, &subject->found);
        if (!print(request, subject) || subject->malformed.text[0] != '\0'
            || (subject->looked_up && subject->found.reason != ECA_REASON_GRANTED))
            result = ECA_EXIT_REFUSED;
        eca_certificate_close(&subject->certificate);
    }
    sk_X509_pop_free(list, X509_free);
    return result;
}

enum eca_exit eca_map_files(const struct eca_map_request *request, const char *const *files, size_t count)
{
    struct subject *subject = malloc(sizeof *subject);
    enum eca_exit worst = ECA_EXIT_READ;

    if (subject == NULL)
        return ECA_EXIT_USAGE;
    for (size_t i = 0; i < count; i++) {
        const enum eca_exit result = map_file(request, files[i], subject);

        worst = result > worst ? result : worst;
    }
    free(subject);
    return fflush(stdout) == 0 ? worst : ECA_EXIT_USAGE;
}
