/* own-names.h - tells Client Identifiers from the names that are shown for ends without one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_OWN_NAMES_H
#define MQTTSCOPE_MODEL_OWN_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/** True where a Client Identifier reads like a name that the plugin itself shows for an end (`broker`, `unknown`,
 *  `client:40001`, `10.0.0.2:40001`), like a row or a lane that stands for several clients, or like a quoted name. Such an
 *  identifier is shown in quotes. */
bool track_reads_like_own_name(const uint8_t *client_id, uint32_t length);

#endif
