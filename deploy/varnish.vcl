# Varnish: shows cpusensor as /cpu/ of a site, and keeps none of it.

vcl 4.1;

backend cpusensor {
    .host = "127.0.0.1";
    .port = "8080";
}

sub vcl_recv {
    if (req.url == "/cpu") {
        return (synth(308, "/cpu/"));
    }
    if (req.url ~ "^/cpu/") {
        set req.backend_hint = cpusensor;
        set req.url = regsub(req.url, "^/cpu", "");
        set req.http.Host = "127.0.0.1:8080";  # or tell cpusensor the site's name: --allow-host example.org
        set sess.send_timeout = 365d;  # else a stream is cut after 600 s
        return (pass);
    }
}

sub vcl_synth {
    if (resp.status == 308) {
        set resp.http.Location = resp.reason;
        return (deliver);
    }
}
