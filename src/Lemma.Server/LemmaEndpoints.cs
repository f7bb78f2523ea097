using Lemma.Server.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lemma.Server;

/// <summary>The APIs in an app of ASP.NET Core.</summary>
public static class LemmaEndpoints
{
    private const double DrainShare = 0.9;

    // A client that is gone without a word is noticed by a ping that it does not answer.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30), PongTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Adds the models to an app's services; they are read by <see cref="MapLemma"/> and freed with the services.</summary>
    public static IServiceCollection AddLemmaServer(this IServiceCollection services, Action<LemmaServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        LemmaServerOptions options = new();
        configure(options);
        return services.AddSingleton(_ => new ServerState(options));
    }

    /// <summary>Reads the models and maps the APIs: <c>/v1/…</c> of OpenAI, and what is said in docs/serving.md.</summary>
    /// <exception cref="InvalidOperationException">There is no <see cref="AddLemmaServer"/>.</exception>
    /// <exception cref="InvalidDataException">A model's file is broken.</exception>
    public static IEndpointConventionBuilder MapLemma(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ServerState state = endpoints.ServiceProvider.GetRequiredService<ServerState>();
        ILogger log = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Lemma.Server");
        // Then the host cuts connections off; a little before, they are closed.
        if (endpoints.ServiceProvider.GetService<IOptions<HostOptions>>()?.Value.ShutdownTimeout is { } most && most != Timeout.InfiniteTimeSpan)
            state.DrainTime = most * DrainShare;
        endpoints.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(state.Drain);
        RouteGroupBuilder group = endpoints.MapGroup("");
        RouteRunner runner = new(state, log);
        foreach (ServerRoute route in Routes.All)
        {
            RequestDelegate run = context => runner.RunAsync(context, route);
            // HTTP/2 opens a WebSocket by CONNECT (RFC 8441).
            if (route.IsSocket)
                group.MapMethods(route.Path, [route.Method, HttpMethods.Connect], WithSockets(endpoints, run));
            else
                group.MapMethods(route.Path, [route.Method], run);
        }
        if (state.Options.HasPage)
            group.MapGet("/", ChatPage.Write);
        if (state.Origins.AreAllowed)
        {
            foreach (string path in Routes.All.Select(static route => route.Path).Distinct())
                group.MapMethods(path, ["OPTIONS"], state.Origins.Preflight);
        }
        return group;
    }

    // A pipeline of the endpoint's own, so that the app needs no UseWebSockets; one that has it is left as it is.
    private static RequestDelegate WithSockets(IEndpointRouteBuilder endpoints, RequestDelegate run)
    {
        IApplicationBuilder pipeline = endpoints.CreateApplicationBuilder();
        pipeline.UseWebSockets(new WebSocketOptions { KeepAliveInterval = PingInterval, KeepAliveTimeout = PongTimeout });
        pipeline.Run(run);
        return pipeline.Build();
    }
}
