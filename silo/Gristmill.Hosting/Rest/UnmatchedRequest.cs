using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Hosting;

/// <summary>
/// Says why no endpoint took a request: nothing is there, or what is there takes another method, or a body of another type. Routing alone would say
/// the first of all three, as the fallback takes everything.
/// </summary>
internal static class UnmatchedRequest
{
    public static Task RefuseAsync(HttpContext http)
    {
        var request = http.Request;
        var there = http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(static endpoint => (endpoint.RoutePattern, endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods, Accepts: endpoint.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes))
            .Where(endpoint => endpoint.HttpMethods is { Count: > 0 }
                && new TemplateMatcher(new RouteTemplate(endpoint.RoutePattern), []).TryMatch(request.Path, []))
            .ToList();
        var mine = there.Where(endpoint => endpoint.HttpMethods!.Contains(request.Method, StringComparer.OrdinalIgnoreCase)).ToList();
        if (there.Count > 0 && mine.Count == 0)
        {
            var methods = string.Join(", ", there.SelectMany(static endpoint => endpoint.HttpMethods!).Distinct().Order(StringComparer.Ordinal));
            http.Response.OnStarting(() =>
            {
                http.Response.Headers.Allow = methods;
                return Task.CompletedTask;
            });
            throw new GristmillException(ErrorCodes.Method, $"{request.Path} does not take {request.Method}.", $"It takes {methods}.");
        }

        string[] types = [.. mine.SelectMany(static endpoint => endpoint.Accepts ?? []).Distinct()];
        throw types.Length == 0
            ? new GristmillException(ErrorCodes.NotFound, $"There is nothing at {request.Path}.", "See /openapi/v1.json for what there is.")
            : new GristmillException(
                ErrorCodes.MediaType,
                $"{request.Method} {request.Path} takes {string.Join(" or ", types)}, and the request {(request.ContentType is { Length: > 0 } type ? $"is of type '{type}'" : "does not say of what type it is")}.",
                $"Send it with the header 'Content-Type: {types[0]}'{(types[0] == "application/json" ? ", and {} as body where there is nothing to say" : "")}.");
    }
}
