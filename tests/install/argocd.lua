-- Runs a script as Argo CD runs it: with the object as `obj`, and with no library but its own small `os`.
-- Prints what the script returned as JSON.
local script, object = arg[1], arg[2]
local safe = { time = os.time, date = os.date }
local environment = {
  obj = dofile(object), os = safe, table = table,
  require = function(name)
    if name == "os" then return safe end
    error("Argo CD has no library " .. name)
  end,
}
for _, name in ipairs({ "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "unpack" }) do
  environment[name] = _G[name]
end

local quote = function(text) return string.format("%q", text) end
local function json(value)
  if type(value) == "string" then return quote(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts, list = {}, #value > 0
  for key, inner in pairs(value) do
    table.insert(parts, list and json(inner) or quote(key) .. ":" .. json(inner))
  end
  if list then return "[" .. table.concat(parts, ",") .. "]" end
  return "{" .. table.concat(parts, ",") .. "}"
end

local run = assert(loadfile(script))
setfenv(run, environment)
-- Texts have methods only where the library for texts is loaded.
local methods = getmetatable("").__index
getmetatable("").__index = nil
local result = run()
getmetatable("").__index = methods
print(json(result))
