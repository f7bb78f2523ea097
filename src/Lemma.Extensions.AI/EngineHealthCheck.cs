using Lemma.Decoding;
using Lemma.Language.Serving;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lemma.Extensions.AI;

/// <summary>Whether a client's engine serves.</summary>
internal sealed class EngineHealthCheck(IChatClient client) : IHealthCheck
{
    private const int ShareOfFullQueue = 2;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Check(context));

    private HealthCheckResult Check(HealthCheckContext context)
    {
        if (client.GetService<LanguageEngine>() is not { } engine)
            return new HealthCheckResult(context.Registration.FailureStatus, "the app's chat client is not one of Lemma");
        if (engine.Failure is { } failure)
            return new HealthCheckResult(context.Registration.FailureStatus, "the engine stopped", failure);
        BatcherCounts counts = engine.Counts;
        Dictionary<string, object> data = new()
        {
            ["running"] = counts.Running,
            ["waiting"] = counts.Waiting,
            ["state_bytes"] = counts.StateBytes,
        };
        return counts.Waiting * ShareOfFullQueue >= engine.MostWaiting
            ? HealthCheckResult.Degraded($"{counts.Waiting} of at most {engine.MostWaiting} requests wait", data: data)
            : HealthCheckResult.Healthy($"{counts.Running} requests run", data);
    }
}
