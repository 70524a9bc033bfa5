/* foreign.h - recognises what is no MQTT where MQTT is expected.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_FOREIGN_H
#define MQTTSCOPE_FOREIGN_H

#include <epan/packet.h>

/** Length of the PROXY protocol header (versions 1 and 2) that these bytes begin with, 0 if there is none. Load balancers
 *  put it before the first packet of a connection. */
unsigned foreign_proxy_header(tvbuff_t *tvb);

/** False where the bytes, five at most, are certainly no other protocol's: most packets need not be looked at further. */
static inline bool foreign_is_possible(const uint8_t *bytes, unsigned length)
{
    enum { TLS = 0x14, TLS_MASK = 0xFC, PROXY_V2 = 0x0D };

    if (length < 4)
        return false;
    return (bytes[0] & TLS_MASK) == TLS || bytes[0] == PROXY_V2 ||
           (g_ascii_isprint(bytes[1]) && g_ascii_isprint(bytes[2]) && g_ascii_isprint(bytes[3]));
}

/** The first bytes of a stream, on a port that was taken for MQTT's, belong to another protocol: text, or TLS. */
bool foreign_is_stream(tvbuff_t *tvb);

/** They are the beginning of SSH, which no other dissector may recognise on such a port. */
bool foreign_is_ssh(tvbuff_t *tvb);

/** The same in the middle of a stream of which nothing was captured before: TLS records fill the segment. */
bool foreign_is_stream_inside(tvbuff_t *tvb);

/** The bytes from `offset` on look like another protocol's: by their beginning, at the start of a direction. */
bool foreign_is_start(tvbuff_t *tvb, int offset);

/** They are too few to tell, and all that is there may be the start of another protocol's. */
bool foreign_may_start(tvbuff_t *tvb, int offset);

/** The same where a packet is to begin whose first byte is invalid: only what is beyond doubt. */
bool foreign_is_inside(tvbuff_t *tvb, int offset);

/** What they are, for people; printable, in `pool`. */
const char *foreign_name(wmem_allocator_t *pool, tvbuff_t *tvb);

#endif
