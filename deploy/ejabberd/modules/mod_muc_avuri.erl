%%% mod_muc_avuri: lets a room's owner say which SIP conference belongs to the room, and publishes it as the
%%% 'audio-video-uri' field of the room's muc#roominfo form (XEP-0128, RFC 7081 section 4).
%%%
%%% Tested on ejabberd 23.01 (Debian 12), which has no hook for the disco#info of a room: the field is added to the
%%% answer on its way out (filter_packet).  ejabberd 25.03 and later run muc_disco_info_extras, which also keeps the room's
%%% caps hash right.  Both hooks are set: where the newer one exists it is first, and the older one then finds the field
%%% in place.  The newer one follows the source of 25.03 and has not been run.
-module(mod_muc_avuri).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_opt_type/1, mod_options/1, mod_doc/0]).
%% hooks
-export([muc_process_iq/2, get_room_config/4, filter_packet/1, muc_disco_info_extras/2, forget_room/3]).
%% for tests and the shell
-export([get_uri/2, check_uri/1]).

-include_lib("xmpp/include/xmpp.hrl").
-include("mod_muc_room.hrl").

-define(FIELD, <<"audio-video-uri">>).
-define(LABEL, <<"SIP URI of the associated audio/video conference">>).

%% us: {room, MUC host}
-record(muc_avuri, {us = {<<>>, <<>>} :: {binary(), binary()},
                    uri = <<>> :: binary()}).

%%% ---------------------------------------------------------------------------------------------------------------
%%% gen_mod

start(Host, _Opts) ->
    ejabberd_mnesia:create(?MODULE, muc_avuri,
                           [{disc_copies, [node()]}, {attributes, record_info(fields, muc_avuri)}]),
    lists:foreach(fun({Hook, Function, Priority}) ->
                          ejabberd_hooks:add(Hook, Host, ?MODULE, Function, Priority)
                  end, host_hooks()),
    ejabberd_hooks:add(filter_packet, ?MODULE, filter_packet, 50),
    ok.

stop(Host) ->
    lists:foreach(fun({Hook, Function, Priority}) ->
                          ejabberd_hooks:delete(Hook, Host, ?MODULE, Function, Priority)
                  end, host_hooks()),
    %% filter_packet is one hook for all hosts
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        true -> ok;
        false -> ejabberd_hooks:delete(filter_packet, ?MODULE, filter_packet, 50)
    end.

host_hooks() ->
    [{muc_process_iq, muc_process_iq, 40},
     {get_room_config, get_room_config, 50},
     {muc_disco_info_extras, muc_disco_info_extras, 50},
     {remove_room, forget_room, 50},
     {room_destroyed, forget_room, 50}].

reload(_Host, _NewOpts, _OldOpts) -> ok.

depends(_Host, _Opts) -> [{mod_muc, hard}].

mod_opt_type(set_by) -> econf:enum([owner, admin]);
mod_opt_type(allowed_hosts) -> econf:list(econf:domain());
mod_opt_type(clark_namespace) -> econf:binary().

mod_options(_Host) -> [{set_by, owner}, {allowed_hosts, []}, {clark_namespace, <<>>}].

mod_doc() ->
    #{desc => <<"Publishes the SIP URI of a room's conference as 'audio-video-uri' in the room's disco#info.">>,
      opts => [{set_by, #{value => <<"owner | admin">>,
                          desc => <<"Who may change it; admin: only whom 'access_admin' of mod_muc allows.">>}},
               {allowed_hosts, #{value => <<"[Domain, ...]">>,
                                 desc => <<"SIP domains a URI may point to; empty: any.">>}},
               {clark_namespace, #{value => <<"Namespace">>,
                                   desc => <<"Publishes a second copy as {Namespace}audio-video-uri (XEP-0068).">>}}]}.

%%% ---------------------------------------------------------------------------------------------------------------
%%% the URI of a room

-spec get_uri(binary(), binary()) -> binary().
get_uri(Room, Host) ->
    case mnesia:dirty_read(muc_avuri, {Room, Host}) of
        [#muc_avuri{uri = Uri}] -> Uri;
        [] -> <<>>
    end.

set_uri(Room, Host, <<>>) -> mnesia:dirty_delete(muc_avuri, {Room, Host});
set_uri(Room, Host, Uri) -> mnesia:dirty_write(#muc_avuri{us = {Room, Host}, uri = Uri}).

%% hooks remove_room and room_destroyed
forget_room(_LServer, Room, Host) ->
    set_uri(Room, Host, <<>>),
    ok.

%%% ---------------------------------------------------------------------------------------------------------------
%%% the owner's form

%% Runs in the room's process before the room reads the form: takes our field out (the room would refuse a field it does
%% not know), and refuses the whole form for a bad value, so that nothing of it is applied.
muc_process_iq(#iq{type = set, from = From,
                   sub_els = [#muc_owner{config = #xdata{type = submit, fields = Fields} = Form} = Owner]} = IQ,
               State) ->
    case lists:keytake(?FIELD, #xdata_field.var, Fields) of
        false ->
            IQ;
        {value, #xdata_field{values = Values}, Rest} ->
            Stripped = IQ#iq{sub_els = [Owner#muc_owner{config = Form#xdata{fields = Rest}}]},
            case mod_muc_room:get_affiliation(From, State) of
                owner -> submit(first(Values), IQ, Stripped, State);
                _ -> Stripped % the room answers <forbidden/>
            end
    end;
muc_process_iq(IQ, _State) ->
    IQ.

submit(New, #iq{from = From, lang = Lang} = IQ, Stripped, #state{room = Room, host = Host} = State) ->
    case refusal(New, get_uri(Room, Host), From, State) of
        unchanged ->
            Stripped;
        none ->
            set_uri(Room, Host, New),
            announce_change(State),
            Stripped;
        {forbidden, Text} ->
            xmpp:make_error(IQ, xmpp:err_forbidden(Text, Lang));
        {not_acceptable, Text} ->
            xmpp:make_error(IQ, xmpp:err_not_acceptable(<<?FIELD/binary, ": ", Text/binary>>, Lang))
    end.

first([Value | _]) -> Value;
first([]) -> <<>>.

%% Whoever edits other fields sends ours back unchanged; that is never refused.
refusal(Same, Same, _From, _State) ->
    unchanged;
refusal(New, _Old, From, #state{server_host = LServer} = State) ->
    case gen_mod:get_module_opt(LServer, ?MODULE, set_by) == owner orelse is_service_admin(From, State) of
        true -> check_value(New, gen_mod:get_module_opt(LServer, ?MODULE, allowed_hosts));
        false -> {forbidden, <<"Only the conference bridge may set audio-video-uri">>}
    end.

%% #state.access is {Access, AccessCreate, AccessAdmin, ...}; its length differs between releases
is_service_admin(From, #state{server_host = LServer, access = Access}) ->
    acl:match_rule(LServer, element(3, Access), From) == allow.

check_value(<<>>, _AllowedHosts) ->
    none;
check_value(Uri, AllowedHosts) ->
    case check_uri(Uri) of
        {ok, Host} ->
            case AllowedHosts == [] orelse lists:member(Host, AllowedHosts) of
                true -> none;
                false -> {not_acceptable, <<"host ", Host/binary, " is not one of this service's SIP domains">>}
            end;
        {error, Text} ->
            {not_acceptable, Text}
    end.

%% status 104: occupants ask disco#info again
announce_change(#state{jid = RoomJid, users = Users}) ->
    Message = #message{type = groupchat, from = RoomJid, id = p1_rand:get_string(),
                       sub_els = [#muc_user{status_codes = [104]}]},
    maps:fold(fun(_, #user{jid = Jid}, _) -> ejabberd_router:route(xmpp:set_to(Message, Jid)) end, ok, Users).

get_room_config(Fields, #state{room = Room, host = Host}, _From, _Lang) ->
    Fields ++ [field(?FIELD, get_uri(Room, Host))].

%%% ---------------------------------------------------------------------------------------------------------------
%%% disco#info

%% ejabberd >= 25.03
muc_disco_info_extras(Fields, #state{room = Room, host = Host}) ->
    Fields ++ published(get_uri(Room, Host), Host).

%% Only the answer about the room itself (node ''): what is said about a caps node must match the caps hash.
filter_packet(#iq{type = result, from = #jid{luser = Room, lserver = Host, lresource = <<>>},
                  sub_els = [#disco_info{node = <<>>, xdata = [#xdata{fields = Fields} = Form | Forms]} = Info]} = IQ)
  when Room /= <<>> ->
    case lists:keymember(?FIELD, #xdata_field.var, Fields) of
        true ->
            IQ; % muc_disco_info_extras was first
        false ->
            More = Fields ++ published(get_uri(Room, Host), Host),
            IQ#iq{sub_els = [Info#disco_info{xdata = [Form#xdata{fields = More} | Forms]}]}
    end;
filter_packet(Packet) ->
    Packet.

%% The answers of remote and other hosts come by here too. They have no URI, so only the host of a room of ours is looked up.
published(<<>>, _Host) ->
    [];
published(Uri, Host) ->
    case gen_mod:get_module_opt(ejabberd_router:host_of_route(Host), ?MODULE, clark_namespace) of
        <<>> -> [field(?FIELD, Uri)];
        Ns -> [field(?FIELD, Uri), field(<<"{", Ns/binary, "}", ?FIELD/binary>>, Uri)]
    end.

field(Var, Value) ->
    #xdata_field{var = Var, type = 'text-single', label = ?LABEL, values = [Value]}.

%%% ---------------------------------------------------------------------------------------------------------------
%%% the URI itself

%% sip(s):user@host[:port][;parameters] (RFC 3261 section 19.1.1), narrower on purpose: the value ends up in the Request-URI
%% of clients that only clicked on a button, so it may hold no password, no headers, and nothing that needs quoting.
%% Returns the host in lower case, or a sentence for the user.
-spec check_uri(binary()) -> {ok, binary()} | {error, binary()}.
check_uri(Uri) when byte_size(Uri) > 255 ->
    {error, <<"longer than 255 octets">>};
check_uri(Uri) ->
    case re:run(Uri, <<"[\\x00-\\x20\\x7f-\\xff<>\"]">>, [{capture, none}]) of
        match -> {error, <<"contains white space, quotes, angle brackets or non-ASCII octets">>};
        nomatch -> check_scheme(Uri)
    end.

check_scheme(Uri) ->
    case re:run(Uri, <<"^sips?:(.*)$">>, [caseless, dollar_endonly, {capture, [1], binary}]) of
        nomatch -> {error, <<"scheme is not sip: or sips:">>};
        {match, [Rest]} -> check_user(Rest)
    end.

check_user(Rest) ->
    case {binary:match(Rest, <<"?">>), binary:split(Rest, <<"@">>, [global])} of
        {{_, _}, _} ->
            {error, <<"URI headers (?...) are not allowed">>};
        {nomatch, [User, After]} when User /= <<>>, After /= <<>> ->
            case {binary:match(User, <<":">>), matches(User, <<"(?:[A-Za-z0-9_.!~*'()&=+$,;/-]|%[0-9A-Fa-f]{2})+">>)} of
                {nomatch, true} -> check_host(After);
                {nomatch, false} -> {error, <<"invalid character in the user part">>};
                _ -> {error, <<"a password in the URI is not allowed">>}
            end;
        _ ->
            {error, <<"no user@host part">>}
    end.

check_host(After) ->
    [HostPort | Parameters] = binary:split(After, <<";">>),
    case re:run(HostPort, <<"^(\\[[^\\]]*\\]|[^:]*)(?::(.*))?$">>, [dollar_endonly, {capture, [1, 2], binary}]) of
        {match, [Host, Port]} ->
            HasPort = byte_size(HostPort) > byte_size(Host),
            case {is_host(Host), not HasPort orelse is_port_number(Port), are_parameters(Parameters)} of
                {true, true, true} -> {ok, string:lowercase(Host)};
                {false, _, _} -> {error, <<"invalid host">>};
                {_, false, _} -> {error, <<"invalid port">>};
                {_, _, false} -> {error, <<"invalid URI parameters">>}
            end;
        nomatch ->
            {error, <<"invalid host">>}
    end.

is_host(Host) ->
    Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    byte_size(Host) =< 253 andalso
        matches(Host, iolist_to_binary(["\\[[0-9A-Fa-f:.]+\\]|(?:", Label, "\\.)*", Label])).

is_port_number(Port) ->
    matches(Port, <<"[0-9]{1,5}">>) andalso binary_to_integer(Port) >= 1 andalso binary_to_integer(Port) =< 65535.

are_parameters([]) ->
    true;
are_parameters([Text]) ->
    Token = "[A-Za-z0-9_.!~*'()%\\[\\]/:&+$-]+",
    matches(Text, iolist_to_binary([Token, "(?:=", Token, ")?(?:;", Token, "(?:=", Token, ")?)*"])).

matches(Text, Pattern) ->
    re:run(Text, <<"^(?:", Pattern/binary, ")$">>, [dollar_endonly, {capture, none}]) == match.
