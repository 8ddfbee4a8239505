/* SPDX-License-Identifier: Apache-2.0 */
/* The list is read from the directory as a job: one for all requests that wait for it. */
#include "check_nt_auth.h"

#include "distinguished_name.h"

#include <stdlib.h>

static const char entry[] = "CN=NTAuthCertificates,CN=Public Key Services,CN=Services,"; /* of the configuration */
static const char attribute[] = "cACertificate";

struct read_job {
    struct eca_job job;
    struct eca_directory *directory;
    struct eca_nt_auth *list;
    apr_time_t deadline;
    struct eca_error err;
};

static bool keep(struct eca_nt_auth *list, const struct eca_directory_values *values)
{
    struct eca_slice *certificates = calloc(values->count + 1, sizeof *certificates);
    bool kept = certificates != NULL;

    for (size_t i = 0; kept && i < values->count; i++)
        certificates[i] = (struct eca_slice){ values->items[i].bytes, values->items[i].length };
    kept = kept && eca_nt_auth_replace(list, certificates, values->count, apr_time_sec(apr_time_now()));
    free(certificates);
    return kept;
}

static void run_read(struct eca_job *job)
{
    struct read_job *read = (struct read_job *)job;
    struct eca_directory_values values = { .items = NULL };
    enum eca_directory_answer answer = read->directory->operations->read_values(read->directory, entry, attribute,
                                                                                read->deadline, &values, &read->err);

    if (answer == ECA_DIRECTORY_ANSWERED && !keep(read->list, &values))
        eca_error_set(&read->err, "NTAuthCertificates has more than %d certificates", ECA_NT_AUTH_CERTIFICATES_MAX);
    job->succeeded = answer != ECA_DIRECTORY_UNAVAILABLE;
    eca_directory_values_free(&values);
}

static void destroy_read(struct eca_job *job)
{
    free(job);
}

static struct read_job *new_read_job(const struct eca_request *request)
{
    static const char key[] = "NTAuthCertificates";
    struct read_job *read = calloc(1, sizeof *read);

    if (read == NULL)
        return NULL;
    read->job = (struct eca_job){ .run = run_read, .destroy = destroy_read, .key = key, .key_length = sizeof key };
    read->directory = request->service->directory;
    read->list = request->service->nt_auth;
    read->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    return read;
}

static void refresh(const struct eca_request *request)
{
    struct read_job *read = NULL;

    if (!eca_nt_auth_is_due(request->service->nt_auth, apr_time_sec(apr_time_now())))
        return;
    read = new_read_job(request);
    if (read != NULL)
        (void)eca_job_pool_start(request->service->directory_jobs, &read->job);
}

/* Nothing was ever read: who comes first waits for it. */
static enum eca_nt_auth_answer read_first(struct eca_request *request, X509 *issuer)
{
    struct read_job *read = new_read_job(request);
    struct eca_job *job = &read->job;
    struct eca_error *detail = &request->work->detail;

    if (read == NULL) {
        eca_error_set(detail, "out of memory");
        return ECA_NT_AUTH_UNKNOWN;
    }
    if (!eca_service_await(request->service->directory_jobs, &job, read->deadline, "the directory", detail))
        return ECA_NT_AUTH_UNKNOWN;
    if (((struct read_job *)job)->err.text[0] != '\0')
        eca_error_set(detail, "NTAuthCertificates: %s", ((struct read_job *)job)->err.text);
    eca_job_release(request->service->directory_jobs, job);
    return eca_nt_auth_judge(request->service->nt_auth, issuer);
}

bool eca_check_nt_auth(struct eca_request *request)
{
    STACK_OF(X509) *path = request->work->verdict->path;
    X509 *issuer = NULL;
    enum eca_nt_auth_answer answer = ECA_NT_AUTH_LISTED;
    char name[256] = "";

    if (!request->config->nt_auth)
        return true;
    issuer = sk_X509_value(path, sk_X509_num(path) > 1 ? 1 : 0);
    answer = eca_nt_auth_judge(request->service->nt_auth, issuer);
    if (answer == ECA_NT_AUTH_UNKNOWN)
        answer = read_first(request, issuer);
    else
        refresh(request);
    if (answer == ECA_NT_AUTH_UNKNOWN)
        request->facts.account = ECA_ACCOUNT_DIRECTORY_UNAVAILABLE;
    if (answer != ECA_NT_AUTH_MISSING)
        return answer == ECA_NT_AUTH_LISTED;
    request->facts.certificate = ECA_CERTIFICATE_UNTRUSTED;
    eca_distinguished_name_show(name, sizeof name, X509_get_subject_name(issuer));
    eca_error_set(&request->work->detail,
                  "its issuer %s is not in the forest's NTAuthCertificates; publish it with certutil -dspublish -f "
                  "ca.cer NTAuthCA",
                  name);
    return false;
}
