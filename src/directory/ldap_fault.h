/* SPDX-License-Identifier: Apache-2.0 */
/* What can go wrong with a directory server, and what it means for the next step. */
#ifndef ECA_LDAP_FAULT_H
#define ECA_LDAP_FAULT_H

#include "directory.h"

enum eca_ldap_fault {
    ECA_LDAP_OK,
    ECA_LDAP_DOWN,     /* refuses, closes, is busy or talks nonsense: a fresh connection or another server may do */
    ECA_LDAP_SILENT,   /* says nothing in time: another server may do */
    ECA_LDAP_UNUSABLE, /* it answered, but not so that it can be used: another server may do */
    ECA_LDAP_FINAL,    /* no other server would say otherwise: our credentials are refused, an entry is unusable */
};

enum eca_directory_answer eca_ldap_fault_answer(enum eca_ldap_fault fault);

/* What a result code means: one of the protocol (RFC 4511 4.1.9), or one of libldap's own below 0. */
enum eca_ldap_fault eca_ldap_fault_of_code(int code);

#define ECA_LDAP_REMARK_MAX 256

/* Copies what a server or library said, cut, control characters as spaces: fit for a log line. NULL gives "". */
void eca_ldap_remark(char out[ECA_LDAP_REMARK_MAX], const char *text);

/*
 * What AD means by "… AcceptSecurityContext error, data 52e, …": the hexadecimal Windows error
 * after "data " in words, "no reason given" when there is none, "another reason" when it is unknown. Static.
 * Source: MS-ERREF 2.2.
 */
const char *eca_ldap_logon_failure(const char *diagnostic);

/*
 * All that libldap 2.5 and 2.6 on GnuTLS say of a server certificate that was not verified: they take
 * the error code of their own check for one of GnuTLS.
 */
#define ECA_LDAP_GNUTLS_UNVERIFIED "(unknown error code)"

/* Whether a TLS library's remark is about the server's certificate, not about the line. */
bool eca_ldap_blames_certificate(const char *remark);

/* Whether a GSSAPI remark says that no KDC answered: an outage, not a refusal. */
bool eca_ldap_blames_kdc_outage(const char *remark);

#endif
