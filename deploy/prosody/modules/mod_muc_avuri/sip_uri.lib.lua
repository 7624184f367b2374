-- Strict reading of a SIP URI that a room advertises (RFC 3261 section 19.1.1):
--     sip(s):user@host[:port][;parameters]
-- Narrower than the RFC on purpose.  The value ends up in the Request-URI of clients that only clicked on a
-- button, so it may hold no password, no headers ("?..."), and nothing that needs quoting.
local M = {};

local MAX_OCTETS = 255;

local function is_host(host)
	if host:match("^%[[%x:%.]+%]$") then return true; end -- IPv6 reference
	if host == "" or #host > 253 or host:sub(1, 1) == "." or host:sub(-1) == "." or host:find("..", 1, true) then
		return false;
	end
	for label in host:gmatch("[^%.]+") do
		if #label > 63 or not label:match("^%w[%w%-]*$") or label:sub(-1) == "-" then return false; end
	end
	return true;
end

-- returns user, or nil and the reason
local function read_user(user)
	if user:find(":", 1, true) then return nil, "a password in the URI is not allowed"; end
	if not user:match("^[%w%-_%.!~%*'%(%)&=%+%$,;/%%]+$") then return nil, "invalid character in the user part"; end
	for escape in user:gmatch("%%(.?.?)") do
		if not escape:match("^%x%x$") then return nil, "bad %-escape in the user part"; end
	end
	return user;
end

-- returns host and port (a number, or nil when absent), or nil, nil and the reason
local function read_hostport(hostport)
	local host, port = hostport:match("^(%[[^%]]*%])(.*)$");
	if not host then host, port = hostport:match("^([^:]*)(.*)$"); end
	if not is_host(host) then return nil, nil, "invalid host"; end
	if port == "" then return host:lower(), nil; end
	local number = tonumber(port:match("^:(%d%d?%d?%d?%d?)$"));
	if not number or number < 1 or number > 65535 then return nil, nil, "invalid port"; end
	return host:lower(), number;
end

local function are_parameters(text)
	if text == "" then return true; end
	if not text:match("^;[%w%-_%.!~%*'%(%)=;%%%[%]:/&%+%$]+$") then return false; end
	return not text:find(";;", 1, true) and text:sub(-1) ~= ";";
end

-- Reads `uri`; returns { scheme, user, host, port, parameters }, or nil and a sentence for the user.
function M.parse(uri)
	if type(uri) ~= "string" or uri == "" then return nil, "empty"; end
	if #uri > MAX_OCTETS then return nil, "longer than 255 octets"; end
	if uri:find("[%z\1-\32\127-\255<>\"]") then
		return nil, "contains white space, quotes, angle brackets or non-ASCII octets";
	end
	local scheme, rest = uri:match("^(%a+):(.*)$");
	scheme = scheme and scheme:lower();
	if scheme ~= "sip" and scheme ~= "sips" then return nil, "scheme is not sip: or sips:"; end
	if rest:find("?", 1, true) then return nil, "URI headers (?...) are not allowed"; end
	local user_part, after = rest:match("^([^@]+)@([^@]+)$");
	if not user_part then return nil, "no user@host part"; end
	local user, host, port, why;
	user, why = read_user(user_part);
	if not user then return nil, why; end
	local hostport, parameters = after:match("^([^;]*)(.*)$");
	host, port, why = read_hostport(hostport);
	if not host then return nil, why; end
	if not are_parameters(parameters) then return nil, "invalid URI parameters"; end
	return { scheme = scheme, user = user, host = host, port = port, parameters = parameters };
end

-- As parse, and the host must be in the set `allowed_hosts` when that is given.
function M.check(uri, allowed_hosts)
	local parsed, why = M.parse(uri);
	if not parsed then return nil, why; end
	if allowed_hosts and not allowed_hosts:contains(parsed.host) then
		return nil, "host " .. parsed.host .. " is not one of this service's SIP domains";
	end
	return parsed;
end

return M;
