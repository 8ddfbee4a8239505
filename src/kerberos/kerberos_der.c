/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of Kerberos messages. */
#include "kerberos_der.h"

#include "hot.h"

#include <string.h>

const uint8_t eca_krb5_mechanism[ECA_KRB5_MECHANISM_BYTES] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                               0xf7, 0x12, 0x01, 0x02, 0x02 };

ECA_HOT void eca_kerberos_put_integer(struct eca_der_writer *der, unsigned field, int64_t value)
{
    const size_t end = der->start;

    eca_der_put_integer(der, value);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

void eca_kerberos_put_bytes(struct eca_der_writer *der, unsigned field, enum eca_kerberos_tag tag, const void *bytes,
                            size_t length)
{
    const size_t end = der->start;

    eca_der_put_element(der, (uint8_t)tag, bytes, length);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

#define DAY_SECONDS 86400
#define DATE_LENGTH 8

struct date {
    bool known;
    time_t day; /* since 1970 */
    char text[DATE_LENGTH + 1];
};

static _Thread_local struct date last_date;

/* YYYYMMDD of a day, which libc is asked for once in it, and thread: it takes a lock and longer than the rest. */
static const char *date_of(struct date *kept, time_t day)
{
    const time_t seconds = day * DAY_SECONDS;
    struct tm parts;

    if (kept->known && kept->day == day)
        return kept->text;
    kept->known = gmtime_r(&seconds, &parts) != NULL
                  && strftime(kept->text, sizeof kept->text, "%Y%m%d", &parts) == DATE_LENGTH;
    kept->day = day;
    return kept->known ? kept->text : NULL;
}

static void write_two_digits(char *out, time_t number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

ECA_HOT bool eca_kerberos_write_time(char out[ECA_KERBEROS_TIME_LENGTH], time_t seconds)
{
    const char *date = seconds < 0 ? NULL : date_of(&last_date, seconds / DAY_SECONDS);

    if (date == NULL)
        return false;
    memcpy(out, date, DATE_LENGTH);
    write_two_digits(out + DATE_LENGTH, seconds / 3600 % 24);
    write_two_digits(out + DATE_LENGTH + 2, seconds / 60 % 60);
    write_two_digits(out + DATE_LENGTH + 4, seconds % 60);
    out[DATE_LENGTH + 6] = 'Z';
    return true;
}

ECA_HOT void eca_kerberos_put_time(struct eca_der_writer *der, unsigned field, time_t seconds)
{
    char text[ECA_KERBEROS_TIME_LENGTH];

    if (eca_kerberos_write_time(text, seconds))
        eca_kerberos_put_bytes(der, field, ECA_TAG_GENERALIZED_TIME, text, sizeof text);
    else
        der->overflow = true;
}
