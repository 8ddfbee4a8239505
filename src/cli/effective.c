/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to the values that the stages take. httpd has checked them: what is no value here was made by somebody
 * else. */
#include "effective.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION 1 /* of the document, as src/httpd/dump.c writes it */

const char *eca_effective_text(const struct eca_effective *effective, const char *directive, size_t at)
{
    return json_string_value(json_array_get(json_object_get(effective->directives, directive), at));
}

static bool refuse(const char *directive, const char *value, struct eca_error *err)
{
    return eca_error_set(err, "%s \"%s\" is nothing that this command knows: is it as old as the module?", directive,
                         value == NULL ? "" : value);
}

static bool read_choice(const struct eca_effective *effective, const char *directive, const struct eca_choice *choices,
                        int *value, struct eca_error *err)
{
    const char *text = eca_effective_text(effective, directive, 0);

    return (text != NULL && eca_choice_find(choices, text, value)) || refuse(directive, text, err);
}

/* Names or numbers of objects; "any" is none of them. */
static bool read_objects(const struct eca_effective *effective, const char *directive, ASN1_OBJECT **objects,
                         size_t *count, bool *any, struct eca_error *err)
{
    const char *text = NULL;

    for (size_t i = 0; (text = eca_effective_text(effective, directive, i)) != NULL; i++) {
        if (strcasecmp(text, "any") == 0) {
            *any = true;
            continue;
        }
        if (*count == ECA_EFFECTIVE_LIST_MAX)
            return refuse(directive, text, err);
        objects[*count] = OBJ_txt2obj(text, 0);
        if (objects[*count] == NULL)
            return refuse(directive, text, err);
        (*count)++;
    }
    return true;
}

static bool read_mapping(struct eca_effective *effective, struct eca_error *err)
{
    static const char with_file[] = "sid-uri=";
    const char *text = NULL;

    for (size_t i = 0; (text = eca_effective_text(effective, "EASMapping", i)) != NULL; i++) {
        enum eca_mapping_kind kind = ECA_MAPPING_SID_URI;

        if (strncasecmp(text, with_file, sizeof with_file - 1) == 0)
            effective->sid_uri_file = text + sizeof with_file - 1;
        else if (!eca_mapping_kind_by_name(&kind, text))
            return refuse("EASMapping", text, err);
        if (!eca_mapping_policy_add(&effective->mapping, kind))
            return refuse("EASMapping", text, err);
    }
    return effective->mapping.count > 0 || refuse("EASMapping", NULL, err);
}

static bool read_backdating(struct eca_effective *effective, struct eca_error *err)
{
    const char *text = eca_effective_text(effective, "EASCertificateBackdating", 0);
    char *end = NULL;

    effective->backdating = ECA_MAPPING_BACKDATING_ANY;
    if (text != NULL && strcasecmp(text, "any") == 0)
        return true;
    effective->backdating = text == NULL ? -1 : strtoll(text, &end, 10);
    return (effective->backdating >= 0 && end != text && *end == '\0') || refuse("EASCertificateBackdating", text, err);
}

static void read_needs(struct eca_effective *effective)
{
    const char *form = eca_effective_text(effective, "EASRemoteUser", 0);
    const char *delegation = eca_effective_text(effective, "EASDelegation", 0);
    int value = ECA_REMOTE_USER_ATTRIBUTE;

    if (form != NULL && !eca_choice_find(eca_remote_user_choices, form, &value))
        effective->attribute = form;
    effective->needs.remote_user = (enum eca_remote_user)value;
    effective->needs.kerberos = delegation != NULL && strcasecmp(delegation, "kerberos") == 0;
}

static bool read_directives(struct eca_effective *effective, struct eca_error *err)
{
    bool any_policy = false;
    int authenticate = 0;

    if (!read_choice(effective, "EASAuthenticate", eca_authenticate_choices, &authenticate, err)
        || !read_objects(effective, "EASExtendedKeyUsage", effective->purposes.accepted, &effective->purposes.count,
                         &effective->purposes.any, err)
        || !read_objects(effective, "EASCertificatePolicy", effective->policies.accepted, &effective->policies.count,
                         &any_policy, err)
        || !read_mapping(effective, err) || !read_backdating(effective, err))
        return false;
    effective->authenticate = (enum eca_authenticate)authenticate;
    read_needs(effective);
    return true;
}

/* "mail.example.com" means every port of that host. */
static bool names_host(const char *asked, const char *full)
{
    const size_t length = strlen(asked);

    return strncasecmp(asked, full, length) == 0 && (full[length] == '\0' || full[length] == ':');
}

static bool is_wanted(const json_t *section, const char *server, const char *name)
{
    const char *its_server = json_string_value(json_object_get(section, "server"));
    const char *its_name = json_string_value(json_object_get(section, "section"));

    return json_is_null(json_object_get(section, "problem")) && its_server != NULL && its_name != NULL
           && (server == NULL || names_host(server, its_server)) && (name == NULL || strcmp(name, its_name) == 0);
}

static bool choose_section(struct eca_effective *out, const char *server, const char *name, struct eca_error *err)
{
    const json_t *sections = json_object_get(out->document, "sections"), *chosen = NULL;

    for (size_t i = 0; i < json_array_size(sections); i++) {
        const json_t *section = json_array_get(sections, i);

        if (!is_wanted(section, server, name))
            continue;
        if (chosen != NULL)
            return eca_error_set(err,
                                 "several sections fit, %s of %s and %s of %s; choose one with --server and --section",
                                 json_string_value(json_object_get(chosen, "section")),
                                 json_string_value(json_object_get(chosen, "server")),
                                 json_string_value(json_object_get(section, "section")),
                                 json_string_value(json_object_get(section, "server")));
        chosen = section;
    }
    if (chosen == NULL)
        return eca_error_set(err, "there is no such section with AuthType EASCert that httpd can carry out");
    out->server = json_string_value(json_object_get(chosen, "server"));
    out->name = json_string_value(json_object_get(chosen, "section"));
    out->directives = json_object_get(chosen, "directives");
    return true;
}

static json_t *read_document(const char *file, struct eca_error *err)
{
    char *text = malloc(ECA_EFFECTIVE_FILE_MAX);
    FILE *stream = fopen(file, "re");
    json_t *document = NULL;
    json_error_t problem;
    size_t length = 0;

    if (text == NULL || stream == NULL) {
        eca_error_set(err, "%s cannot be read: %m", file);
        goto out;
    }
    length = fread(text, 1, ECA_EFFECTIVE_FILE_MAX, stream);
    if (length == ECA_EFFECTIVE_FILE_MAX) {
        eca_error_set(err, "%s is longer than %d bytes", file, ECA_EFFECTIVE_FILE_MAX);
        goto out;
    }
    document = json_loadb(text, length, 0, &problem);
    if (document == NULL)
        eca_error_set(err, "%s is not what apache2ctl -t -D DUMP_EAS prints: line %d: %s", file, problem.line,
                      problem.text);

out:
    if (stream != NULL)
        (void)fclose(stream);
    free(text);
    return document;
}

bool eca_effective_open(struct eca_effective *out, const char *file, const char *server, const char *name,
                        struct eca_error *err)
{
    *out = (struct eca_effective){ .document = read_document(file, err) };
    if (out->document == NULL)
        return false;
    if (json_integer_value(json_object_get(out->document, "version")) != VERSION)
        return eca_error_set(err, "%s is not what apache2ctl -t -D DUMP_EAS of this version prints", file);
    return choose_section(out, server, name, err) && read_directives(out, err);
}

void eca_effective_close(struct eca_effective *effective)
{
    for (size_t i = 0; i < effective->purposes.count; i++)
        ASN1_OBJECT_free(effective->purposes.accepted[i]);
    for (size_t i = 0; i < effective->policies.count; i++)
        ASN1_OBJECT_free(effective->policies.accepted[i]);
    json_decref(effective->document);
    *effective = (struct eca_effective){ .document = NULL };
}
