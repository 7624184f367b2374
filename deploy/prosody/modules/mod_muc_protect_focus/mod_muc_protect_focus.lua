-- mod_muc_protect_focus: keeps the bridge's occupant in its rooms, and tells it who had to leave.  See README.md.
local st = require "util.stanza";
local is_bridge = module:require "bridge_admin";

-- 1. Nobody but the bridge itself may kick its occupant or take its voice.  mod_muc already refuses to change the
--    affiliation of an admin, but lets a room's owner change the role.
module:hook("muc-pre-set-role", function (event)
	if is_bridge(event.occupant.bare_jid) and not is_bridge(event.actor) then
		event.allowed, event.error, event.condition = false, "cancel", "not-allowed";
	end
end);

-- 2. A room that becomes members-only drops those who are no members.  XEP-0045 wants the remaining occupants to be
--    told (status 322), mod_muc 0.12 tells only the one who is dropped.  So drop them here, before mod_muc looks: it
--    then finds nobody to drop, and a Prosody that does it right by itself is not made to say it twice.
local function drop_non_members(room)
	local dropped = {};
	for _, occupant in room:each_occupant() do
		local affiliation = room:get_affiliation(occupant.bare_jid) or "none";
		if affiliation == "none" then dropped[#dropped + 1] = occupant; end
	end
	for _, occupant in ipairs(dropped) do
		local role_before = occupant.role;
		occupant.role = nil;
		room:save_occupant(occupant);
		local x = st.stanza("x", { xmlns = "http://jabber.org/protocol/muc#user" }):tag("status", { code = "322" }):up();
		room:publicise_occupant_status(occupant, x, nil, nil, nil, role_before);
		module:fire_event("muc-occupant-left", { room = room; nick = occupant.nick; occupant = occupant });
	end
end

module:hook("muc-config-submitted/muc#roomconfig_membersonly", function (event)
	if event.value and not event.room:get_members_only() then drop_non_members(event.room); end
end, 100);
