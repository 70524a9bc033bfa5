/* tap.h - registers the statistics; and what their parts offer each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All listen to the tap "mqttscope" (record.h). Names of clients and topics come off the wire: what is kept of them is
 * printable and bounded, so that no capture can flood a terminal or the memory.
 */
#ifndef MQTTSCOPE_TAP_TAP_H
#define MQTTSCOPE_TAP_TAP_H

#include <epan/packet.h>

#include "record.h"

/** The tap that all statistics listen to. */
#define TAP_NAME "mqttscope"

/** Registers all statistics, for tshark and the menus; in the registration routine. `proto` is our protocol. */
void tap_register(int proto);

/** Text as the display filter language writes it between quotes: what would end the string, or would not be seen, is escaped byte by
 *  byte. The caller's, for g_free(). `text` is valid UTF-8. */
char *tap_filter_text(const char *text);

/** Registers one of them. */
#define STATISTIC(name) void tap_register_##name(int proto);
#include "statistics.def"
#undef STATISTIC

/** `3.1`, `3.1.1` or `5.0`; "" where it is not known. */
const char *tap_version_name(unsigned version);

/** Text of at most `characters` characters: `text` itself, or its beginning and "...". The caller's, for g_free(). `text`
 *  is valid UTF-8. */
char *tap_shorten(const char *text, unsigned characters);

/** Bytes off the wire as printable text of at most `characters` characters; the caller's, for g_free(). */
char *tap_printable(const uint8_t *bytes, uint32_t length, unsigned characters);

enum { TAP_HEX_BYTES = 256 };

/** The first TAP_HEX_BYTES of them in hex, where `text`, which they were made, is not what they are; else NULL. For g_free(). */
char *tap_hex_unless_text(const uint8_t *bytes, uint32_t length, const char *text);

/** A Client Identifier in the same way, in quotes where it reads like a name of ours. */
char *tap_client_name(const uint8_t *client_id, uint32_t length, unsigned characters);

#endif
