/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files and directories, without libFuzzer: the corpora are tests, too. */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static size_t replayed;

static bool replay_file(const char *path, size_t size)
{
    /* Exactly as long as the file, so that a sanitizer sees the first byte read behind it. */
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    FILE *file = fopen(path, "rb");
    bool read = false;

    if (bytes == NULL || file == NULL || fread(bytes, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        goto out;
    }
    (void)LLVMFuzzerTestOneInput(bytes, size);
    replayed++;
    read = true;
out:
    if (file != NULL)
        (void)fclose(file);
    free(bytes);
    return read;
}

static bool replay(const char *path);

static bool replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool read = directory != NULL;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char inner[4096];

        if (entry->d_name[0] == '.')
            continue;
        if ((size_t)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >= sizeof inner || !replay(inner))
            read = false;
    }
    if (directory != NULL)
        (void)closedir(directory);
    return read;
}

static bool replay(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    return S_ISDIR(status.st_mode) ? replay_directory(path) : replay_file(path, (size_t)status.st_size);
}

int main(int count, char **arguments)
{
    bool read = true;

    for (int i = 1; i < count; i++)
        read = replay(arguments[i]) && read;
    printf("%zu inputs\n", replayed);
    return read && replayed > 0 ? 0 : 1;
}
