-- mod_muc_call_hats: lets the bridge put a hat (XEP-0317) on everybody who is also in the call.  See README.md.
--   <iq type='set' to='tea@rooms.example.org'>
--     <hat xmlns='urn:cusax:hats:0' jid='alice@example.org' uri='urn:cusax:hat:in-call' title='In call'/>
--   </iq>                                                       (without a title: takes the hat off)
local st = require "util.stanza";
local jid_bare, jid_prep = require "util.jid".bare, require "util.jid".prep;
local is_bridge = module:require "bridge_admin";

local XMLNS_ORDER = "urn:cusax:hats:0";
local XMLNS_MUC_USER = "http://jabber.org/protocol/muc#user";
local MAX_OCTETS = 255;

-- the namespaces in which clients look for hats
local hat_namespaces = module:get_option_array("muc_call_hats_namespaces", { "xmpp:prosody.im/protocol/hats:1" });

-- room JID -> bare JID -> hat URI -> title.  Kept apart from the room's stored data on purpose: nobody is in a call
-- just because he was in one when the server went down; the bridge says it again when it comes back.
local hats_of = {};

function module.save() return { hats_of = hats_of }; end
function module.restore(saved) hats_of = saved.hats_of or hats_of; end

-- returns whether anything changed
local function set_hat(room_jid, jid, uri, title)
	local room_hats = hats_of[room_jid] or {};
	local hats = room_hats[jid] or {};
	if hats[uri] == title then return false; end
	hats[uri] = title;
	room_hats[jid] = next(hats) and hats or nil;
	hats_of[room_jid] = next(room_hats) and room_hats or nil;
	return true;
end

-- announces the occupants of `jid` anew, with what they wear now
local function announce(room, jid)
	for _, occupant in room:each_occupant() do
		if occupant.bare_jid == jid then
			room:publicise_occupant_status(occupant, st.stanza("x", { xmlns = XMLNS_MUC_USER }));
		end
	end
end

local function is_text(value) return value ~= nil and value ~= "" and #value <= MAX_OCTETS; end

-- mod_muc tells modules of every occupant presence it is about to send; mod_muc's own hats, if any, are in it already
module:hook("muc-build-occupant-presence", function (event)
	local jid = event.occupant and event.occupant.bare_jid or event.bare_jid;
	local hats = (hats_of[event.room.jid] or {})[jid];
	if not hats then return; end
	for _, xmlns in ipairs(hat_namespaces) do
		local list = event.stanza:get_child("hats", xmlns);
		if not list then
			list = st.stanza("hats", { xmlns = xmlns });
			event.stanza:add_direct_child(list);
		end
		for uri, title in pairs(hats) do
			list:add_direct_child(st.stanza("hat", { uri = uri; title = title }));
		end
	end
end, -10);

module:hook("muc-room-destroyed", function (event) hats_of[event.room.jid] = nil; end);

module:hook("iq-set/bare/" .. XMLNS_ORDER .. ":hat", function (event)
	local origin, stanza = event.origin, event.stanza;
	local function refuse(...)
		origin.send(st.error_reply(stanza, ...));
		return true;
	end
	if not is_bridge(stanza.attr.from) then
		return refuse("auth", "forbidden", "Only the conference bridge may set hats");
	end
	local room = module:depends("muc").get_room_from_jid(stanza.attr.to);
	if not room then return refuse("cancel", "item-not-found"); end
	local hat = stanza.tags[1];
	local jid, uri, title = jid_bare(jid_prep(hat.attr.jid)), hat.attr.uri, hat.attr.title;
	if not jid or not is_text(uri) or (title ~= nil and not is_text(title)) then
		return refuse("modify", "bad-request", "A hat needs a jid and a uri, and a title of at most 255 octets");
	end
	if set_hat(room.jid, jid, uri, title) then announce(room, jid); end
	origin.send(st.reply(stanza));
	return true;
end);
