-- Which actions an ApiToken has: a token that a person made cannot be rotated by us.
local actions = {}
if obj.spec.token ~= nil then
  actions["rotate"] = {
    ["disabled"] = obj.spec.suspend == true or obj.metadata.deletionTimestamp ~= nil,
  }
end
return actions
