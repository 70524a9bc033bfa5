/* compat.h - the one place that knows in which Wireshark version an interface looks how.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most differences are found out by the build: it tries to compile and link each of compat/NAME.question, and defines
 * COMPAT_HAS_NAME as 0 or 1.
 */
#ifndef MQTTSCOPE_COMPAT_H
#define MQTTSCOPE_COMPAT_H

#include <epan/packet.h>
#include <epan/tvbuff.h>
#include <ws_version.h>

/* Callbacks that return a truth value return a gboolean (an int) in 4.0 and a bool since 4.4; preferences and boolean
 * display fields have the same difference. */
#if COMPAT_HAS_BOOL_CALLBACKS
typedef bool ws_bool;
#else
typedef gboolean ws_bool;
#endif

/* The macro for the unit of a field came with 4.2. */
#ifndef UNS
#define UNS(units) (units)
#endif

/* Looking up a string in a dissector table has a new name since 4.6. */
#if COMPAT_HAS_TRY_STRING_WITH_DATA
#define compat_try_string(table, string, tvb, pinfo, tree, data)                                                       \
    dissector_try_string_with_data(table, string, tvb, pinfo, tree, true, data)
#else
#define compat_try_string(table, string, tvb, pinfo, tree, data)                                                       \
    dissector_try_string(table, string, tvb, pinfo, tree, data)
#endif

/* Inflating a tvb is tvb_child_uncompress() up to 4.2 and tvb_child_uncompress_zlib() since: exported by the library, but
 * 4.6 declares it in a header that the packages do not install. */
#if COMPAT_HAS_UNCOMPRESS_ZLIB
WS_DLL_PUBLIC tvbuff_t *tvb_child_uncompress_zlib(tvbuff_t *parent, tvbuff_t *tvb, int offset, int length);
#define compat_inflate tvb_child_uncompress_zlib
#else
#define compat_inflate tvb_child_uncompress
#endif

/* Declared by hand: the header that has it includes libgcrypt's, which Wireshark's packages do not bring along. */
WS_DLL_PUBLIC void tls_set_appdata_dissector(dissector_handle_t tls, packet_info *pinfo, dissector_handle_t app);

/* A plugin describes itself by constants that 4.0 does not have. */
#if COMPAT_HAS_PLUGIN_DESCRIPTION
#include <wsutil/plugins.h>
#define compat_plugin_is_dissector WS_PLUGIN_DESC_DISSECTOR
#else
#define compat_plugin_is_dissector 1
#endif

/* format_text() takes text from the wire as guchar in 4.0; where it takes char it is declared in another header. */
#if COMPAT_HAS_FORMAT_TEXT_OF_CHAR
#include <wsutil/str_util.h>
#define compat_format_text(pool, bytes, length) format_text(pool, (const char *)(bytes), length)
#else
#include <epan/strutil.h>
#define compat_format_text(pool, bytes, length) format_text(pool, bytes, length)
#endif

/* Flow graphs: exported by the library, but declared in a header that the packages do not install. Only what is used here
 * is declared. Items are made by the library, so that the members after these, which differ, do not matter.
 *
 * With a struct of another layout the library would take one member for another. So this is used only in versions whose
 * layout was compared with the one below; in others there is no flow graph. A new version is added here after reading its
 * epan/sequence_analysis.h and passing test_flow.py. */
#if WIRESHARK_VERSION_MAJOR == 4 &&                                                                                    \
    (WIRESHARK_VERSION_MINOR == 0 || WIRESHARK_VERSION_MINOR == 4 || WIRESHARK_VERSION_MINOR == 6)
#define COMPAT_KNOWS_FLOW_GRAPH 1
#else
#define COMPAT_KNOWS_FLOW_GRAPH 0
#endif

#include <epan/tap.h>

/* An arrow of the graph; the graph owns it, its addresses and its texts (g_malloc). */
struct compat_flow_item {
    uint32_t frame_number;
    address src_addr;
    uint16_t port_src;
    address dst_addr;
    uint16_t port_dst;
    char *frame_label; /* along the arrow */
    char *time_str;
    char *comment; /* beside the graph */
    uint16_t conv_num;
    unsigned fg_color;
    unsigned bg_color;
    ws_bool has_color_filter;
    ws_bool display;
    unsigned src_node;
    unsigned dst_node;
    uint16_t line_style;
};

/* The graph's beginning. */
struct compat_flow {
    const char *name;
    ws_bool any_addr;
    int conversations;
    GQueue *items;
};

WS_DLL_PUBLIC void register_seq_analysis(const char *name, const char *ui_name, const int proto_id,
                                         const char *tap_listener, unsigned tap_flags, tap_packet_cb tap_func);
WS_DLL_PUBLIC struct compat_flow_item *sequence_analysis_create_sai_with_addresses(packet_info *pinfo,
                                                                                   struct compat_flow *graph);
WS_DLL_PUBLIC void sequence_analysis_use_color_filter(packet_info *pinfo, struct compat_flow_item *item);

/* Conversation filters receive a pointer of their owner's since 4.4. */
#if COMPAT_HAS_FILTER_DATA
#define COMPAT_FILTER_DATA , void *data _U_
#define compat_register_conversation_filter(protocol, name, is_valid, build)                                           \
    register_conversation_filter(protocol, name, is_valid, build, NULL)
#else
#define COMPAT_FILTER_DATA
#define compat_register_conversation_filter(protocol, name, is_valid, build)                                           \
    register_conversation_filter(protocol, name, is_valid, build)
#endif

/* What separates the parts of a statistics tree's name that make submenus: since 4.4 it has a name. */
#include <epan/stats_tree.h>
#ifdef STATS_TREE_MENU_SEPARATOR
#define COMPAT_SUBMENU STATS_TREE_MENU_SEPARATOR
#else
#define COMPAT_SUBMENU "/"
#endif

/* Whether a statistic could be begun: its owner says so since 4.6. */
#if COMPAT_HAS_TAP_INIT_RESULT
#define COMPAT_TAP_INIT_RESULT bool
#define COMPAT_TAP_INIT_RETURN return true
#else
#define COMPAT_TAP_INIT_RESULT void
#define COMPAT_TAP_INIT_RETURN return
#endif

#include <epan/epan.h>

/** The version of the Wireshark that runs, as text. */
#define compat_wireshark_version() epan_get_version()

/** The name of an interface of the capture; NULL where it has none. Numbers are those of a section of the file since 4.2. */
#if COMPAT_HAS_INTERFACE_SECTIONS
#define compat_interface_name(pinfo, number)                                                                           \
    epan_get_interface_name((pinfo)->epan, number,                                                                     \
                            (pinfo)->rec->presence_flags &WTAP_HAS_SECTION_NUMBER ? (pinfo)->rec->section_number : 0)
#else
#define compat_interface_name(pinfo, number) epan_get_interface_name((pinfo)->epan, number)
#endif

/* The titles of tables make submenus of Statistics since 4.6; before, they are the menu's text as they are. */
#if WIRESHARK_VERSION_MAJOR > 4 || (WIRESHARK_VERSION_MAJOR == 4 && WIRESHARK_VERSION_MINOR >= 6)
#define COMPAT_TABLE_MENU "MQTT/"
#else
#define COMPAT_TABLE_MENU "MQTT "
#endif

/* The HTTP headers of a WebSocket's handshake: each can be looked up since 4.6; before, the HTTP dissector keeps the
 * subprotocol that the server chose. */
#include <epan/dissectors/packet-http.h>

/** The list of subprotocols in the server's response, or in the client's request; NULL where it is not known. */
static inline const char *compat_websocket_protocols(packet_info *pinfo, const http_conv_t *http, bool is_servers)
{
#if COMPAT_HAS_HTTP_UPGRADE_INFO
    const http_upgrade_info_t *upgrade = http->upgrade_info;
    if (upgrade == NULL || upgrade->get_header_value == NULL)
        return NULL;
    return upgrade->get_header_value(pinfo, "sec-websocket-protocol", is_servers != upgrade->from_server);
#else
    (void)pinfo;
    return is_servers ? http->websocket_protocol : NULL;
#endif
}

#endif
