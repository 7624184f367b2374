-- Who counts as the bridge: the JIDs in `admins` of the MUC component.
-- Prosody 0.12 answers with usermanager.is_admin; Prosody 13 replaced it by roles, which the
-- calling module asks under a permission of its own.  (`module` is the module that requires this file.)
local jid_bare = require "util.jid".bare;

local PERMISSION = ":act-as-bridge";
local has_roles = module.may ~= nil;
local is_admin = not has_roles and require "core.usermanager".is_admin;

if has_roles then
	module:default_permission("prosody:admin", PERMISSION);
end

-- true when `jid` (bare or full) belongs to the bridge
return function (jid)
	if type(jid) ~= "string" then return false; end
	if has_roles then return module:may(PERMISSION, jid_bare(jid)); end
	return is_admin(jid, module.host);
end;
