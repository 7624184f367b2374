-- Prosody for cusax-bridge: a complete example, used by docker-compose.yml and a start for your own.
--
-- From the environment:
--   XMPP_DOMAIN           accounts live here                       (default localhost)
--   BRIDGE_SECRET         shared secret of the bridge's component  (required)
--   COMPONENT_INTERFACE   address of the component listener        (default 127.0.0.1)
--   PROSODY_DATA_DIR      accounts and persistent rooms            (default /var/lib/prosody)
--   PROSODY_CERTIFICATES  <domain>.crt and <domain>.key            (default certs beside this file)
--   CUSAX_MODULES_DIR     this repository's deploy/prosody/modules (default /usr/lib/cusax-bridge/prosody-modules)
--   SIP_DOMAIN            when set, rooms may only advertise SIP URIs of this domain
-- The bridge is the component bridge.<XMPP_DOMAIN>; its focus, focus@bridge.<XMPP_DOMAIN>, is owner of every room.

local os = Lua and Lua.os or os; -- Prosody 13.0 wants the first, 0.12 has the second only

local function env(name, default)
	local value = os.getenv(name);
	if value and value ~= "" then return value; end
	return default;
end

local domain = env("XMPP_DOMAIN", "localhost");
local secret = env("BRIDGE_SECRET") or error("BRIDGE_SECRET is not set", 0);
local sip_domain = env("SIP_DOMAIN");
local bridge = "bridge." .. domain;

data_path = env("PROSODY_DATA_DIR", "/var/lib/prosody")
certificates = env("PROSODY_CERTIFICATES", "certs")
plugin_paths = { env("CUSAX_MODULES_DIR", "/usr/lib/cusax-bridge/prosody-modules") }
log = { { levels = { min = "info" }, to = "console" } }

authentication = "internal_hashed"
storage = "internal"

c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true

-- The component link is not encrypted: keep it on a private network, between the two containers or on loopback.
component_ports = { 5347 }
component_interfaces = { env("COMPONENT_INTERFACE", "127.0.0.1") }
component_stanza_size_limit = 512 * 1024

modules_enabled = {
	"blocklist"; "bookmarks"; "carbons"; "csi_simple"; "dialback"; "disco"; "limits"; "pep"; "ping"; "private"; "roster";
	"saslauth"; "tls"; "uptime"; "vcard4"; "vcard_legacy"; "version";
}

limits = {
	c2s = { rate = "10kb/s" };
	s2sin = { rate = "30kb/s" };
}

VirtualHost(domain)

Component("rooms." .. domain) "muc"
	name = "Rooms with calls"
	modules_enabled = { "muc_avuri"; "muc_call_hats"; "muc_protect_focus" }
	-- Matched as whole JIDs: the doubles of phone-only participants, sip-...@bridge, stay ordinary occupants.
	admins = { bridge; "focus@" .. bridge }
	component_admins_as_room_owners = true
	restrict_room_creation = "local"
	muc_room_locking = false
	muc_room_default_public = true
	muc_room_default_public_jids = false
	-- rooms beyond this number are swapped out of memory, the bridge's among them (default 100)
	muc_room_cache_size = 1000
	if sip_domain then muc_avuri_allowed_hosts = { sip_domain } end

Component(bridge)
	component_secret = secret
	-- after a network failure the new connection of the bridge wins over the dead one
	component_conflict_resolve = "kick_old"
