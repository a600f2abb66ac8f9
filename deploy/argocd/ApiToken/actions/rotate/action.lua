-- Mints the next revision now. Any new text in this annotation rotates once, and the operator never edits it.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["tokenwright.dev/rotate"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
