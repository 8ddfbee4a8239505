/* SPDX-License-Identifier: Apache-2.0 */
/* Where functions lie in the object. */
#ifndef ECA_HOT_H
#define ECA_HOT_H

/*
 * For what every request runs, or every one with a token: these functions lie side by side. Between two requests
 * others have used the processor's caches, and a function alone in its page costs more to fetch than to run.
 */
#define ECA_HOT __attribute__((hot))

#endif
