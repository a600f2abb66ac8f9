-- The health of an ApiToken, TokenIssuer, ClusterTokenIssuer or TokenProfile for Argo CD.
-- Argo CD gives a script no library for texts, so that none is used.
local health = { status = "Progressing", message = "The operator has not said anything about it yet" }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "It is being deleted, which waits until what it minted is revoked"
end

local said = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    -- What was said of an earlier generation says nothing of this one.
    if condition.observedGeneration == nil or condition.observedGeneration == obj.metadata.generation then
      said[condition.type] = condition
    end
  end
end

local function is(kind)
  return said[kind] ~= nil and said[kind].status == "True"
end

if said.Ready == nil then
  return health
end
health.message = said.Ready.message
if obj.metadata.deletionTimestamp ~= nil then
  return health
end
if is("Stalled") then
  -- Nothing more happens until a person changes something, even while the former token still works.
  health.status = "Degraded"
  if said.Stalled.message ~= nil and said.Stalled.message ~= "" then
    health.message = said.Stalled.message
  end
elseif is("Ready") then
  health.status = "Healthy"
  -- What works today and needs a person soon.
  for _, kind in ipairs({ "ExpiresSoon", "RevokeFailed" }) do
    if is(kind) then
      health.message = said[kind].message
    end
  end
elseif not is("Reconciling") then
  local wished = said.Ready.reason == "Disabled" or said.Ready.reason == "Suspended"
  health.status = wished and "Suspended" or "Degraded"
end
return health
