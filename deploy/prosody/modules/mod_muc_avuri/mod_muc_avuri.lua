-- mod_muc_avuri: lets a room's owner say which SIP conference belongs to the room, and publishes it as the
-- 'audio-video-uri' field of the room's muc#roominfo form (XEP-0128, RFC 7081 section 4).  See README.md.
local st = require "util.stanza";
local is_bridge = module:require "bridge_admin";
local sip_uri = module:require "sip_uri";

local FIELD = "audio-video-uri"; -- the name is fixed by the draft and by RFC 7081
local LABEL = "SIP URI of the associated audio/video conference";
local XMLNS_OWNER = "http://jabber.org/protocol/muc#owner";

local set_by = module:get_option_string("muc_avuri_set_by", "owner");
local allowed_hosts = module:get_option_set("muc_avuri_allowed_hosts", nil);
-- XEP-0068 wants names outside the registry in Clark notation: a second copy for those who insist
local clark_namespace = module:get_option_string("muc_avuri_clark_namespace");

if set_by ~= "owner" and set_by ~= "admin" then
	error("muc_avuri_set_by must be \"owner\" or \"admin\", not \"" .. set_by .. "\"", 0);
end

-- room._data is what mod_muc saves with a room: it survives restarts of a persistent room and goes with the room.
local function get_uri(room) return room._data.audio_video_uri; end
local function set_uri(room, uri) room._data.audio_video_uri = uri; end

-- 1. everybody who asks may read it -------------------------------------------------------------------------
module:hook("muc-disco#info", function (event)
	local uri = get_uri(event.room);
	if not uri then return; end
	local names = { FIELD };
	if clark_namespace then names[2] = "{" .. clark_namespace .. "}" .. FIELD; end
	for _, name in ipairs(names) do
		table.insert(event.form, { name = name; type = "text-single"; label = LABEL });
		event.formdata[name] = uri;
	end
end);

-- 2. owners find it in the configuration form ---------------------------------------------------------------
module:hook("muc-config-form", function (event)
	table.insert(event.form, {
		name = FIELD; type = "text-single"; label = LABEL;
		desc = "sip: or sips: URI, empty for none";
		value = get_uri(event.room) or "";
	});
end, 100 - 3); -- behind the fields of the basic section

-- the submitted value, or nil when the form leaves the field alone
local function submitted_value(query)
	local form = query:get_child("x", "jabber:x:data");
	if not form or form.attr.type ~= "submit" then return nil; end
	local value;
	for field in form:childtags("field") do
		if field.attr.var == FIELD then value = field:get_child_text("value") or ""; end
	end
	return value;
end

-- returns nil when `value` may be set, otherwise error type, condition and text
local function refusal(room, actor, value)
	if value == (get_uri(room) or "") then return nil; end -- whoever edits other fields sends ours back unchanged
	if set_by == "admin" and not is_bridge(actor) then
		return "auth", "forbidden", "Only the conference bridge may set " .. FIELD;
	end
	if value == "" then return nil; end
	local ok, why = sip_uri.check(value, allowed_hosts);
	if not ok then return "modify", "not-acceptable", FIELD .. ": " .. why; end
	return nil;
end

-- 3. refuse before anything of the form is applied: mod_muc itself ignores errors of single fields ------------
module:hook("iq-set/bare/" .. XMLNS_OWNER .. ":query", function (event)
	local origin, stanza = event.origin, event.stanza;
	local value = submitted_value(stanza.tags[1]);
	if value == nil then return; end
	local room = module:depends("muc").get_room_from_jid(stanza.attr.to);
	-- no room, or not an owner: mod_muc's own answer is the right one
	if not room or room:get_affiliation(stanza.attr.from) ~= "owner" then return; end
	local kind, condition, text = refusal(room, stanza.attr.from, value);
	if not kind then return; end
	origin.send(st.error_reply(stanza, kind, condition, text, room.jid));
	return true;
end, 10);

-- 4. keep it ------------------------------------------------------------------------------------------------
module:hook("muc-config-submitted/" .. FIELD, function (event)
	local uri = event.value;
	if uri == "" then uri = nil; end
	if uri == get_uri(event.room) then return; end
	set_uri(event.room, uri);
	event.status_codes["104"] = true; -- occupants hear that disco#info has changed
end);
