/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the log. */
#include "revocation.h"

#include <time.h>

static const char *name_of_reason(int why)
{
    static const char *const names[] = { "unspecified",        "keyCompromise", "CACompromise",
                                         "affiliationChanged", "superseded",    "cessationOfOperation",
                                         "certificateHold",    "no reason",     "removeFromCRL",
                                         "privilegeWithdrawn", "AACompromise" };

    return why >= 0 && why < (int)(sizeof names / sizeof names[0]) ? names[why] : "no reason given";
}

void eca_revocation_write_time(char out[ECA_REVOCATION_TIME_BYTES], int64_t seconds)
{
    const time_t moment = (time_t)seconds;
    struct tm tm = { 0 };

    if (gmtime_r(&moment, &tm) == NULL || strftime(out, ECA_REVOCATION_TIME_BYTES, "%Y-%m-%dT%H:%MZ", &tm) == 0)
        out[0] = '\0';
}

void eca_revocation_say(struct eca_error *err, int64_t since, int why)
{
    char when[ECA_REVOCATION_TIME_BYTES];

    eca_revocation_write_time(when, since);
    eca_error_set(err, "revoked since %s, %s", when, name_of_reason(why));
}
