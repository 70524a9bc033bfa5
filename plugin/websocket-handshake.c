/* websocket-handshake.c - the subprotocols that the HTTP handshake of a WebSocket offered and chose (RFC 6455 section 4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's HTTP dissector keeps the chosen one with its record of the conversation; what the Client offered it keeps
 * since 4.6 only.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/conversation.h>

#include "compat.h"
#include "mqttscope.h"

enum { LONGEST = 64 };

/** True for a name as RFC 6455 has it that is not what the snap length may have left of one of MQTT's. */
static bool is_whole_name(const char *name)
{
    static const char longest[] = "mqttv3.1";
    bool is_known = strcmp(name, "mqtt") == 0 || strcmp(name, longest) == 0;
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isgraph(name[i]) || name[i] == ',')
            return false;
    return length <= LONGEST && (is_known || !g_str_has_prefix(longest, name));
}

/** True for a list that names something, and whose last name is not what the snap length may have left of MQTT's. */
static bool is_whole_list(const char *list)
{
    const char *last = strrchr(list, ',');

    last = last != NULL ? last + 1 : list;
    while (g_ascii_isspace(*last))
        last++;
    return strlen(list) <= LONGEST && *last != '\0' && is_whole_name(last);
}

struct websocket_handshake websocket_handshake(packet_info *pinfo)
{
    struct websocket_handshake handshake = {NULL, NULL, false};
    int proto = proto_get_id_by_filter_name("http");
    conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    const http_conv_t *http = NULL;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    if (conversation != NULL && proto >= 0)
        http = (const http_conv_t *)conversation_get_proto_data(conversation, proto);
    if (http == NULL || http->startframe == 0)
        return handshake;
    const struct websocket_upgrade *upgrade = websocket_upgrade_of(pinfo);
    const char *offered = upgrade != NULL ? upgrade->offered : compat_websocket_protocols(pinfo, http, false);
    const char *chosen = compat_websocket_protocols(pinfo, http, true);
    if (offered != NULL && is_whole_list(offered))
        handshake.offered = wmem_strdup(wmem_file_scope(), offered);
    if (chosen != NULL && is_whole_name(chosen))
        handshake.chosen = wmem_strdup(wmem_file_scope(), chosen);
    handshake.lacks_choice = upgrade != NULL && websocket_upgrade_lacks_choice(upgrade, true);
    return handshake;
}
