# A hub for tests: some users, and one service that may manage tokens.
from jupyterhub.proxy import Proxy


class NoProxy(Proxy):
    """No server is ever spawned, so there is nothing to lead to."""

    should_start = False

    async def add_route(self, routespec, target, data):
        pass

    async def delete_route(self, routespec):
        pass

    async def get_all_routes(self):
        return {}


c = get_config()  # noqa: F821
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.Authenticator.allowed_users = set({users})
c.JupyterHub.services = [{"name": "tokenwright", "api_token": "{credential}"}]
c.JupyterHub.load_roles = [
    {
        "name": "token-manager",
        "scopes": ["tokens", "list:users", "read:users"],
        "services": ["tokenwright"],
    }
]
