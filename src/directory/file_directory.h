/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded directory: accounts and mappings from a text file that is read again when it changes. */
#ifndef ECA_FILE_DIRECTORY_H
#define ECA_FILE_DIRECTORY_H

#include "directory.h"

/* Texts are borrowed and must live as long as the directory. */
struct eca_file_settings {
    const char *path;
    const char *extra_attribute; /* read into eca_account.attribute, or NULL */
    /*
     * Called when a changed file was read: with the number of its accounts and NULL, or with the sentence why the
     * accounts read before stay in use; once for each change. From any thread. May be NULL.
     */
    void (*tell)(void *context, size_t count, const char *problem);
    void *tell_context;
};

/*
 * Reads the file. NULL with a sentence that names path and line when it is not there, no regular file, can be written
 * by its group or by others (who writes it chooses mailboxes), or does not hold what account_file_parse.h wants.
 *
 * The operations look at the file at most once a second and read it again once it has not changed between two
 * looks; then the answers come from the new one. One that cannot be read changes nothing. It knows no
 * passwords (verify_password is FAILED: httpd's own providers do that) and no groups (is_member is false and
 * says so: httpd's Require group does that).
 */
struct eca_directory *eca_file_directory_open(const struct eca_file_settings *settings, struct eca_error *err);

#endif
