# Starts Keystone: its package has an application for a web server, and no server.
# Arguments: the configuration, "serve" or "make", and the port.
import sys

configuration, what, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
endpoint = f"http://127.0.0.1:{port}/v3"
if what == "make":
    from keystone.cmd import manage

    sys.argv = ["keystone", "--config-file", configuration] + sys.argv[4:]
    manage.main()
else:
    sys.argv = ["keystone"]
    from keystone.server.flask import core
    from werkzeug.serving import run_simple

    application = core.initialize_application(
        name="public", config_files=[configuration]
    )
    run_simple("127.0.0.1", port, application, threaded=True)
