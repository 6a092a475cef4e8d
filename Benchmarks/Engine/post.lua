-- SPDX-License-Identifier: Apache-2.0
-- One sample a request, each thread of wrk on metrics of its own and in rising order of time.
local thread = 0
function setup(worker)
  worker:set("number", thread)
  thread = thread + 1
end
function init()
  time = os.time() - 3000000
  metric = 0
end
function request()
  metric = metric + 1
  if metric == 50 then
    metric = 0
    time = time + 1
  end
  return wrk.format("POST", "/wrk." .. number .. "." .. metric, nil, "21.5 " .. time)
end
