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

/* A field's value became a pointer with 4.2. */
#if WIRESHARK_AT_LEAST(4, 4)
#define compat_fvalue(info) ((info)->value)
#else
#define compat_fvalue(info) (&(info)->value)
#endif

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

#endif
