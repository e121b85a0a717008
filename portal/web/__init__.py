"""Between the web server and the views: gunicorn's worker, bodies, proxies, middleware, error pages."""
