/* compat.h - the one place that knows in which Wireshark version an interface looks how.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_COMPAT_H
#define MQTTSCOPE_COMPAT_H

#include <epan/packet.h>
#include <epan/tvbuff.h>
#include <ws_version.h>

#define WIRESHARK_AT_LEAST(major, minor)                                                                               \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* Callbacks that return a truth value return a gboolean (an int) in 4.0 and a bool since 4.4; preferences and boolean
 * display fields have the same difference. */
#if WIRESHARK_AT_LEAST(4, 4)
typedef bool ws_bool;
#else
typedef gboolean ws_bool;
#endif

/* The macro for the unit of a field came with 4.2. */
#ifndef UNS
#define UNS(units) (units)
#endif

/* Looking a string table up gained an argument in 4.6's predecessors and lost its old name later. */
#if WIRESHARK_AT_LEAST(4, 6)
#define compat_try_string(table, string, tvb, pinfo, tree, data)                                                       \
    dissector_try_string_with_data(table, string, tvb, pinfo, tree, true, data)
#else
#define compat_try_string(table, string, tvb, pinfo, tree, data)                                                       \
    dissector_try_string(table, string, tvb, pinfo, tree, data)
#endif

/* Inflating a tvb is tvb_child_uncompress() up to 4.2 and tvb_child_uncompress_zlib() since, exported by the library but
 * declared in a header that the packages do not install. */
#if WIRESHARK_AT_LEAST(4, 4)
WS_DLL_PUBLIC tvbuff_t *tvb_child_uncompress_zlib(tvbuff_t *parent, tvbuff_t *tvb, int offset, int length);
#define compat_inflate tvb_child_uncompress_zlib
#else
#define compat_inflate tvb_child_uncompress
#endif

/* Declared by hand: the header that has it includes libgcrypt's, which Wireshark's packages do not bring along. */
WS_DLL_PUBLIC void tls_set_appdata_dissector(dissector_handle_t tls, packet_info *pinfo, dissector_handle_t app);

/* What a plugin is for is asked since 4.4. */
#if WIRESHARK_AT_LEAST(4, 4)
#include <wsutil/plugins.h>
#define compat_plugin_is_dissector WS_PLUGIN_DESC_DISSECTOR
#else
#define compat_plugin_is_dissector 1
#endif

/* format_text() takes text from the wire as guchar in 4.0 and as char since; it lives in another header since 4.4. */
#if WIRESHARK_AT_LEAST(4, 4)
#include <wsutil/str_util.h>
#define compat_format_text(pool, bytes, length) format_text(pool, (const char *)(bytes), length)
#else
#include <epan/strutil.h>
#define compat_format_text(pool, bytes, length) format_text(pool, bytes, length)
#endif

/* Flow graphs: exported by the library, but declared in a header that the packages do not install. Only what is used here
 * is declared. Items are made by the library, so that the members behind these, which come and go, do not matter. */
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

/* Conversation filters are handed a pointer of their owner's since 4.4. */
#if WIRESHARK_AT_LEAST(4, 4)
#define COMPAT_FILTER_DATA , void *data _U_
#define compat_register_conversation_filter(protocol, name, is_valid, build)                                           \
    register_conversation_filter(protocol, name, is_valid, build, NULL)
#else
#define COMPAT_FILTER_DATA
#define compat_register_conversation_filter(protocol, name, is_valid, build)                                           \
    register_conversation_filter(protocol, name, is_valid, build)
#endif

/* What stands between the parts of a statistics tree's name that make submenus. */
#if WIRESHARK_AT_LEAST(4, 4)
#define COMPAT_SUBMENU "//"
#else
#define COMPAT_SUBMENU "/"
#endif

#endif
