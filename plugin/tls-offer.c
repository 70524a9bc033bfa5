/* tls-offer.c - notices which protocols TLS clients offer by ALPN, for the tap of that name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the keys are missing, nothing of a TLS connection reaches us, and on a port like 443 its handshake alone tells that it is
 * MQTT. A display filter finds these handshakes, too, but where a tap has one, Wireshark makes the tree of each frame.
 */
#include <epan/dissectors/packet-tcp.h>
#include <epan/packet.h>
#include <epan/tap.h>

#include "mqttscope.h"
#include "tap/record.h"
#include "wire/tls-hello.h"

static int tap = -1;

void tls_offer_register(void)
{
    tap = register_tap(TAP_OFFERS);
}

/** Looks at the beginning of what a segment holds. */
static void look_for_hello(packet_info *pinfo, tvbuff_t *tvb, unsigned offset)
{
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, (int)offset);
    struct mqtt_tls_offer offer;
    const uint8_t *name;
    size_t length;

    if (captured == 0 || !mqtt_tls_find_offer(tvb_get_ptr(tvb, (int)offset, (int)captured), captured, &offer))
        return;
    const struct tcp_analysis *tcp = get_tcp_conversation_data(NULL, pinfo);
    while (tcp != NULL && mqtt_tls_next_name(&offer, &name, &length)) {
        struct tap_offer *told = wmem_new(pinfo->pool, struct tap_offer);
        told->stream = tcp->stream;
        told->protocol = wmem_strndup(pinfo->pool, (const char *)name, length);
        tap_queue_packet(tap, pinfo, told);
    }
}

void tls_offer_look(packet_info *pinfo, tvbuff_t *segment, unsigned header_length)
{
    if (!have_tap_listener(tap))
        return;
    look_for_hello(pinfo, segment, header_length);
    /* The first source is the frame; the others were put together from several segments. */
    for (const GSList *each = pinfo->data_src->next; each != NULL; each = each->next)
        look_for_hello(pinfo, get_data_source_tvb((const struct data_source *)each->data), 0);
}
